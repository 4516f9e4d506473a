//! IS, comparisons, and the predicates IN, BETWEEN, LIKE, REGEXP, SOUNDS LIKE, MEMBER OF.

use super::{Parsed, Parser};
use crate::ast::{
    Between, BinaryOperator, Expr, ExprKind, InList, InSubquery, IsTest, Like, Quantified, Quantifier, Regexp,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// Comparisons and IS. `IS TRUE` ends it: its result is no operand of a further comparison in MySQL's grammar.
    pub(super) fn truth(&mut self) -> Parsed<Expr> {
        let outer = std::mem::take(&mut self.height);
        let left = self.predicate()?;
        if self.comparison_operator().is_none() && !self.at_keyword(K::Is) {
            self.height = self.height.max(outer);
            return Ok(left);
        }
        self.truth_chain(left, outer)
    }

    fn truth_chain(&mut self, mut left: Expr, outer: u32) -> Parsed<Expr> {
        loop {
            if let Some(operator) = self.comparison_operator() {
                self.advance();
                left = self.comparison(operator, left)?;
            } else if self.accept_keyword(K::Is) {
                let negated = self.accept_keyword(K::Not);
                let test = self.is_test()?;
                self.raise()?;
                let span = self.span_from(left.span.start);
                left = Expr::new(ExprKind::Is { operand: Box::new(left), test, negated }, span);
                if test != IsTest::Null {
                    break;
                }
            } else {
                break;
            }
        }
        self.height = self.height.max(outer);
        Ok(left)
    }

    fn comparison_operator(&self) -> Option<BinaryOperator> {
        Some(match self.token.kind {
            TokenKind::Equal => BinaryOperator::Equal,
            TokenKind::NullSafeEqual => BinaryOperator::NullSafeEqual,
            TokenKind::NotEqual => BinaryOperator::NotEqual,
            TokenKind::Less => BinaryOperator::Less,
            TokenKind::LessOrEqual => BinaryOperator::LessOrEqual,
            TokenKind::Greater => BinaryOperator::Greater,
            TokenKind::GreaterOrEqual => BinaryOperator::GreaterOrEqual,
            _ => return None,
        })
    }

    fn comparison(&mut self, operator: BinaryOperator, left: Expr) -> Parsed<Expr> {
        let quantifier = match self.keyword() {
            Some(K::All) => Some(Quantifier::All),
            // ANY and SOME are names unless a subquery follows.
            Some(K::Any | K::Some) if self.next.is(TokenKind::OpenParen) => Some(Quantifier::Any),
            _ => None,
        };
        let Some(quantifier) = quantifier else {
            self.enter_operand()?;
            let right = self.predicate()?;
            self.leave_operand();
            return self.join_binary(operator, left, right);
        };
        if operator == BinaryOperator::NullSafeEqual {
            return self.unexpected();
        }
        self.advance();
        let query = self.subquery()?;
        self.raise()?;
        let span = self.span_from(left.span.start);
        Ok(Expr::new(
            ExprKind::Quantified(Box::new(Quantified { operand: left, operator, quantifier, query })),
            span,
        ))
    }

    fn is_test(&mut self) -> Parsed<IsTest> {
        let test = match self.keyword() {
            Some(K::Null) => IsTest::Null,
            Some(K::True) => IsTest::True,
            Some(K::False) => IsTest::False,
            Some(K::Unknown) => IsTest::Unknown,
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(test)
    }

    /// At most one predicate operator over an arithmetic expression.
    pub(super) fn predicate(&mut self) -> Parsed<Expr> {
        let operand = self.arithmetic(0)?;
        match self.predicate_operator() {
            Some((operator, negated)) => self.predicate_over(operand, operator, negated),
            None => Ok(operand),
        }
    }

    /// The word that names the predicate, and whether NOT stands before it.
    fn predicate_operator(&self) -> Option<(K, bool)> {
        let TokenKind::Keyword(keyword) = self.token.kind else {
            return None;
        };
        let negated = keyword == K::Not;
        let operator = match (negated, self.next.kind) {
            (true, TokenKind::Keyword(next)) => next,
            (true, _) => return None,
            (false, _) => keyword,
        };
        let found = match operator {
            K::In | K::Between | K::Like | K::Regexp | K::Rlike => true,
            K::Sounds => !negated && self.next_is(K::Like),
            K::Member => !negated && self.member_of_follows(),
            _ => false,
        };
        found.then_some((operator, negated))
    }

    fn predicate_over(&mut self, operand: Expr, operator: K, negated: bool) -> Parsed<Expr> {
        if negated {
            self.advance();
        }
        self.advance();
        self.enter_operand()?;
        let outer = std::mem::take(&mut self.height);
        let start = operand.span.start;
        let kind = match operator {
            K::In => self.in_predicate(operand, negated)?,
            K::Between => self.between_predicate(operand, negated)?,
            K::Like => self.like_predicate(operand, negated)?,
            K::Sounds => {
                self.advance();
                self.operator_predicate(BinaryOperator::SoundsLike, operand)?
            }
            K::Member => self.member_predicate(operand)?,
            _ => self.regexp_predicate(operand, negated)?,
        };
        self.leave_operand();
        self.height = self.height.max(outer);
        self.raise()?;
        Ok(Expr::new(kind, self.span_from(start)))
    }

    fn regexp_predicate(&mut self, operand: Expr, negated: bool) -> Parsed<ExprKind> {
        let pattern = self.arithmetic(0)?;
        Ok(ExprKind::Regexp(Box::new(Regexp { operand, pattern, negated })))
    }

    fn member_of_follows(&self) -> bool {
        self.next_is(K::Of) || self.next.is(TokenKind::OpenParen)
    }

    fn operator_predicate(&mut self, operator: BinaryOperator, left: Expr) -> Parsed<ExprKind> {
        let right = self.arithmetic(0)?;
        Ok(ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) })
    }

    fn in_predicate(&mut self, operand: Expr, negated: bool) -> Parsed<ExprKind> {
        if self.subquery_follows() {
            let query = self.subquery()?;
            return Ok(ExprKind::InSubquery(Box::new(InSubquery { operand, query, negated })));
        }
        let list = self.parenthesized_exprs()?;
        Ok(ExprKind::In(Box::new(InList { operand, list, negated })))
    }

    /// `low AND high`: the second operand may be a predicate, the first may not.
    fn between_predicate(&mut self, operand: Expr, negated: bool) -> Parsed<ExprKind> {
        let low = self.arithmetic(0)?;
        self.expect_keyword(K::And)?;
        self.enter()?;
        let high = self.predicate()?;
        self.leave();
        Ok(ExprKind::Between(Box::new(Between { operand, low, high, negated })))
    }

    fn like_predicate(&mut self, operand: Expr, negated: bool) -> Parsed<ExprKind> {
        let pattern = self.simple()?;
        let escape = if self.accept_keyword(K::Escape) { Some(self.simple()?) } else { None };
        Ok(ExprKind::Like(Box::new(Like { operand, pattern, escape, negated })))
    }

    fn member_predicate(&mut self, operand: Expr) -> Parsed<ExprKind> {
        self.accept_keyword(K::Of);
        self.expect(TokenKind::OpenParen)?;
        let array = self.simple()?;
        self.expect(TokenKind::CloseParen)?;
        Ok(ExprKind::Binary {
            operator: BinaryOperator::MemberOf,
            left: Box::new(operand),
            right: Box::new(array),
        })
    }
}
