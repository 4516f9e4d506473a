//! Arithmetic and bit operators, prefix operators, concatenation, COLLATE.

use super::{Parsed, Parser};
use crate::ast::{BinaryOperator, DateArithmetic, Expr, ExprKind, UnaryOperator};
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::SqlMode;

/// Binding powers, loosest first.
const BIT_OR: u8 = 1;
const BIT_AND: u8 = 2;
const SHIFT: u8 = 3;
const ADD: u8 = 4;
const MULTIPLY: u8 = 5;
const BIT_XOR: u8 = 6;

impl Parser<'_> {
    /// Operators that bind tighter than `floor`; 0 takes all.
    pub(super) fn arithmetic(&mut self, floor: u8) -> Parsed<Expr> {
        let outer = std::mem::take(&mut self.height);
        let left = self.simple()?;
        if self.arithmetic_operator().is_none_or(|(_, power)| power <= floor) {
            self.height = self.height.max(outer);
            return Ok(left);
        }
        self.arithmetic_chain(left, floor, outer)
    }

    fn arithmetic_chain(&mut self, mut left: Expr, floor: u8, outer: u32) -> Parsed<Expr> {
        while let Some((operator, power)) = self.arithmetic_operator() {
            if power <= floor {
                break;
            }
            self.advance();
            if power == ADD && self.at_keyword(K::Interval) && !self.interval_function_follows() {
                left = self.interval_sum(operator, left)?;
                continue;
            }
            self.enter_operand()?;
            let right = self.arithmetic(power)?;
            self.leave_operand();
            left = self.join_binary(operator, left, right)?;
        }
        self.height = self.height.max(outer);
        Ok(left)
    }

    fn arithmetic_operator(&self) -> Option<(BinaryOperator, u8)> {
        Some(match self.token.kind {
            TokenKind::Pipe => (BinaryOperator::BitOr, BIT_OR),
            TokenKind::Ampersand => (BinaryOperator::BitAnd, BIT_AND),
            TokenKind::ShiftLeft => (BinaryOperator::ShiftLeft, SHIFT),
            TokenKind::ShiftRight => (BinaryOperator::ShiftRight, SHIFT),
            TokenKind::Plus => (BinaryOperator::Add, ADD),
            TokenKind::Minus => (BinaryOperator::Subtract, ADD),
            TokenKind::Star => (BinaryOperator::Multiply, MULTIPLY),
            TokenKind::Slash => (BinaryOperator::Divide, MULTIPLY),
            TokenKind::Percent | TokenKind::Keyword(K::Mod) => (BinaryOperator::Modulo, MULTIPLY),
            TokenKind::Keyword(K::Div) => (BinaryOperator::IntegerDivide, MULTIPLY),
            TokenKind::Caret => (BinaryOperator::BitXor, BIT_XOR),
            _ => return None,
        })
    }

    /// `+ INTERVAL n unit`, the sign being consumed.
    fn interval_sum(&mut self, operator: BinaryOperator, operand: Expr) -> Parsed<Expr> {
        self.advance();
        let amount = self.expr()?;
        let unit = self.interval_unit()?;
        self.raise()?;
        let span = self.span_from(operand.span.start);
        let subtract = operator == BinaryOperator::Subtract;
        let sum = DateArithmetic { operand, amount, unit, subtract };
        Ok(Expr::new(ExprKind::DateArithmetic(Box::new(sum)), span))
    }

    /// At INTERVAL: whether it is the index function `INTERVAL(n, a, ...)`, told by a comma in its parentheses.
    pub(super) fn interval_function_follows(&mut self) -> bool {
        if !self.next.is(TokenKind::OpenParen) || self.peek(2).is(TokenKind::Keyword(K::Select)) {
            return false;
        }
        let mark = self.mark();
        self.advance();
        let mut depth = 0;
        let found = loop {
            match self.advance().kind {
                // Too deep to be parsed either way.
                TokenKind::OpenParen if depth > self.options.limits.nesting => break false,
                TokenKind::OpenParen => depth += 1,
                TokenKind::CloseParen if depth == 1 => break false,
                TokenKind::CloseParen => depth -= 1,
                TokenKind::Comma if depth == 1 => break true,
                TokenKind::End | TokenKind::Invalid | TokenKind::Semicolon => break false,
                _ => {}
            }
        };
        self.reset(mark);
        found
    }

    /// A primary with its prefixes, and under PIPES_AS_CONCAT chains of `||`, which bind tighter than `^`.
    pub(super) fn simple(&mut self) -> Parsed<Expr> {
        let left = self.prefixed()?;
        if !self.at(TokenKind::PipePipe) || !self.mode(SqlMode::PIPES_AS_CONCAT) {
            return Ok(left);
        }
        self.concatenation(left)
    }

    fn concatenation(&mut self, mut left: Expr) -> Parsed<Expr> {
        let outer = std::mem::take(&mut self.height);
        while self.accept(TokenKind::PipePipe) {
            let right = self.prefixed()?;
            left = self.join_binary(BinaryOperator::Concat, left, right)?;
        }
        // The left operand's own height went into `outer`; adding both is an upper bound.
        self.height += outer;
        Ok(left)
    }

    fn prefix_operator(&self) -> Option<UnaryOperator> {
        Some(match self.token.kind {
            TokenKind::Minus => UnaryOperator::Minus,
            TokenKind::Plus => UnaryOperator::Plus,
            TokenKind::Tilde => UnaryOperator::BitNot,
            TokenKind::Bang => UnaryOperator::Not,
            TokenKind::Keyword(K::Not) if self.mode(SqlMode::HIGH_NOT_PRECEDENCE) => UnaryOperator::Not,
            TokenKind::Keyword(K::Binary) => UnaryOperator::Binary,
            _ => return None,
        })
    }

    fn prefixed(&mut self) -> Parsed<Expr> {
        if let Some(operator) = self.prefix_operator() {
            return self.prefix(operator);
        }
        let operand = self.primary()?;
        if self.at_keyword(K::Collate) { self.collated(operand) } else { Ok(operand) }
    }

    fn prefix(&mut self, operator: UnaryOperator) -> Parsed<Expr> {
        let start = self.advance().start;
        self.enter()?;
        let outer = std::mem::take(&mut self.height);
        let operand = Box::new(self.prefixed()?);
        self.raise()?;
        self.height = self.height.max(outer);
        self.leave();
        Ok(Expr::new(ExprKind::Unary { operator, operand }, self.span_from(start)))
    }

    fn collated(&mut self, mut operand: Expr) -> Parsed<Expr> {
        let start = operand.span.start;
        while self.accept_keyword(K::Collate) {
            let collation = Box::new(self.charset_name()?);
            self.raise()?;
            let kind = ExprKind::Collate { operand: Box::new(operand), collation };
            operand = Expr::new(kind, self.span_from(start));
        }
        Ok(operand)
    }

    /// A character set or collation: a name, a string, or the keyword BINARY.
    pub(in crate::parser) fn charset_name(&mut self) -> Parsed<crate::ast::Ident> {
        if self.at_keyword(K::Binary) {
            let token = self.advance();
            return self.ident_of(token);
        }
        self.ident_or_text()
    }
}
