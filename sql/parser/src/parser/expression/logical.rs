//! OR, XOR, AND, NOT.

use super::{Parsed, Parser};
use crate::ast::{BinaryOperator, Expr, ExprKind, LogicalOperator, UnaryOperator};
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::SqlMode;

/// Binding powers, loosest first.
const OR: u8 = 1;
const XOR: u8 = 2;
const AND: u8 = 3;

impl Parser<'_> {
    /// Operators that bind tighter than `floor`; 0 takes all.
    ///
    /// Here and below the operand is returned at once when no operator follows, and the loop is a function of its own:
    /// a parenthesis nested in parentheses then costs little stack.
    pub(super) fn logical(&mut self, floor: u8) -> Parsed<Expr> {
        let outer = std::mem::take(&mut self.height);
        let left = self.negation()?;
        if self.logical_power() <= floor {
            self.height = self.height.max(outer);
            return Ok(left);
        }
        self.logical_chain(left, floor, outer)
    }

    fn logical_chain(&mut self, mut left: Expr, floor: u8, outer: u32) -> Parsed<Expr> {
        loop {
            let power = self.logical_power();
            if power <= floor {
                break;
            }
            self.advance();
            self.enter_operand()?;
            let right = self.logical(power)?;
            self.leave_operand();
            left = match power {
                OR => self.join_logical(LogicalOperator::Or, left, right)?,
                XOR => self.join_binary(BinaryOperator::Xor, left, right)?,
                _ => self.join_logical(LogicalOperator::And, left, right)?,
            };
        }
        self.height = self.height.max(outer);
        Ok(left)
    }

    /// 0 if the current token is none of the operators.
    fn logical_power(&self) -> u8 {
        match self.token.kind {
            TokenKind::Keyword(K::Or) => OR,
            TokenKind::PipePipe if !self.mode(SqlMode::PIPES_AS_CONCAT) => OR,
            TokenKind::Keyword(K::Xor) => XOR,
            TokenKind::Keyword(K::And) | TokenKind::AndAnd => AND,
            _ => 0,
        }
    }

    /// `NOT a`, looser than comparisons; under HIGH_NOT_PRECEDENCE it is parsed with `!` instead.
    pub(super) fn negation(&mut self) -> Parsed<Expr> {
        if !self.at_keyword(K::Not) || self.mode(SqlMode::HIGH_NOT_PRECEDENCE) {
            return self.truth();
        }
        self.negated()
    }

    fn negated(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        self.enter()?;
        let outer = std::mem::take(&mut self.height);
        let operand = Box::new(self.negation()?);
        self.raise()?;
        self.height = self.height.max(outer);
        self.leave();
        let kind = ExprKind::Unary { operator: UnaryOperator::Not, operand };
        Ok(Expr::new(kind, self.span_from(start)))
    }

    /// Adds to a chain of the same operator on the left, so that chains stay flat however long they are.
    fn join_logical(&mut self, operator: LogicalOperator, mut left: Expr, right: Expr) -> Parsed<Expr> {
        let span = left.span.to(right.span);
        if let ExprKind::Logical { operator: existing, operands } = &mut left.kind
            && *existing == operator
        {
            operands.push(right);
            left.span = span;
            return Ok(left);
        }
        self.raise()?;
        Ok(Expr::new(ExprKind::Logical { operator, operands: vec![left, right] }, span))
    }

    pub(super) fn join_binary(&mut self, operator: BinaryOperator, left: Expr, right: Expr) -> Parsed<Expr> {
        self.raise()?;
        let span = left.span.to(right.span);
        Ok(Expr::new(ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) }, span))
    }
}
