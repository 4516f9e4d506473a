//! Expressions, in the layers of MySQL's grammar (`sql_yacc.yy`), loosest first.
//!
//! ```text
//! logical    OR ||, XOR, AND &&, NOT
//! predicate  IS, = <=> <> < <= > >= [ANY|ALL]; then IN, BETWEEN, LIKE, REGEXP, SOUNDS LIKE, MEMBER OF
//! arithmetic | & << >> + - * / % DIV MOD ^, || as concatenation, - + ~ ! BINARY, COLLATE
//! primary    names, variables, parentheses, subqueries, CASE, CAST, literals, calls
//! call       function calls by name, arity.rs some of their argument counts; special.rs those with words between their arguments
//! window     OVER and window specifications
//! ```

mod arithmetic;
mod arity;
mod call;
pub(in crate::parser) mod cast;
mod literal;
mod logical;
mod predicate;
mod primary;
mod special;
mod window;

use super::{Parsed, Parser};
use crate::ast::Expr;

impl Parser<'_> {
    /// Any expression.
    pub(in crate::parser) fn expr(&mut self) -> Parsed<Expr> {
        self.enter()?;
        let expr = self.logical(0)?;
        self.leave();
        Ok(expr)
    }

    pub(in crate::parser) fn boxed_expr(&mut self) -> Parsed<Box<Expr>> {
        self.expr().map(Box::new)
    }

    /// `(expr, expr, ...)`
    pub(in crate::parser) fn parenthesized_exprs(&mut self) -> Parsed<Vec<Expr>> {
        self.parenthesized(Self::expr)
    }
}
