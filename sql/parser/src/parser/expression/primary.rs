//! Operands: names, variables, parentheses, subqueries, CASE, and the way to literals and calls.

use super::{Parsed, Parser};
use crate::ast::{
    Assign, BinaryOperator, Case, CaseBranch, ColumnRef, DateArithmetic, Expr, ExprKind, SystemVariable,
    VariableScope,
};
use crate::error::ParseError;
use crate::lexer::{Keyword as K, Token, TokenKind};
use crate::parser::MAX_PLACEHOLDERS;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        let outer = std::mem::take(&mut self.height);
        let expr = match self.token.kind {
            TokenKind::Ident | TokenKind::QuotedIdent => self.name_or_call(),
            TokenKind::Keyword(keyword) => self.keyword_primary(keyword),
            TokenKind::OpenParen => self.parentheses(),
            TokenKind::UserVariable => self.user_variable(),
            TokenKind::AtAt => self.system_variable(),
            TokenKind::Question => self.placeholder(),
            TokenKind::OpenBrace => self.odbc(),
            _ => self.unexpected(),
        }?;
        self.raise()?;
        self.height = self.height.max(outer);
        Ok(expr)
    }

    fn keyword_primary(&mut self, keyword: K) -> Parsed<Expr> {
        let before_paren = self.next.is(TokenKind::OpenParen);
        match keyword {
            K::Date | K::Time | K::Timestamp if self.next.is(TokenKind::String) => {
                self.temporal_literal(keyword)
            }
            K::Case => self.case(),
            K::Exists => self.exists(),
            K::Row if before_paren => self.row(),
            K::Interval => self.interval_primary(),
            K::Match => self.match_against(),
            K::Values if before_paren => self.column_call(ExprKind::InsertedValue),
            K::Default if before_paren => self.column_call(ExprKind::DefaultOf),
            K::Convert => self.convert(),
            _ if !keyword.is_reserved() => self.name_or_call(),
            _ => self.reserved_call(keyword, before_paren),
        }
    }

    fn name_or_call(&mut self) -> Parsed<Expr> {
        if self.next.is(TokenKind::OpenParen) { self.call() } else { self.name() }
    }

    fn name(&mut self) -> Parsed<Expr> {
        let start = self.token.start;
        let first = self.ident()?;
        if !self.at(TokenKind::Dot) {
            let column = ColumnRef { database: None, table: None, column: first };
            return self.column_or_path(column, start);
        }
        self.advance();
        if self.next.is(TokenKind::OpenParen) {
            return self.qualified_call(first);
        }
        let second = self.ident()?;
        let column = if self.accept(TokenKind::Dot) {
            ColumnRef { database: Some(first), table: Some(second), column: self.ident()? }
        } else {
            ColumnRef { database: None, table: Some(first), column: second }
        };
        self.column_or_path(column, start)
    }

    /// A column, or `column->'path'`.
    fn column_or_path(&mut self, column: ColumnRef, start: u32) -> Parsed<Expr> {
        let column = Expr::new(ExprKind::Column(Box::new(column)), self.span_from(start));
        let operator = match self.token.kind {
            TokenKind::Arrow => BinaryOperator::JsonExtract,
            TokenKind::LongArrow => BinaryOperator::JsonExtractUnquote,
            _ => return Ok(column),
        };
        self.advance();
        if !self.at(TokenKind::String) {
            return self.unexpected();
        }
        let Some(path) = self.literal()? else {
            return self.unexpected();
        };
        self.join_binary(operator, column, path)
    }

    /// `[[database.]table.]column`
    pub(in crate::parser) fn column_ref(&mut self) -> Parsed<ColumnRef> {
        let first = self.ident()?;
        if !self.accept(TokenKind::Dot) {
            return Ok(ColumnRef { database: None, table: None, column: first });
        }
        let second = self.ident()?;
        if !self.accept(TokenKind::Dot) {
            return Ok(ColumnRef { database: None, table: Some(first), column: second });
        }
        Ok(ColumnRef { database: Some(first), table: Some(second), column: self.ident()? })
    }

    /// `VALUES(column)`, `DEFAULT(column)`
    fn column_call(&mut self, kind: fn(Box<ColumnRef>) -> ExprKind) -> Parsed<Expr> {
        let start = self.advance().start;
        self.expect(TokenKind::OpenParen)?;
        let column = Box::new(self.column_ref()?);
        self.expect(TokenKind::CloseParen)?;
        Ok(Expr::new(kind(column), self.span_from(start)))
    }

    /// `(query)`, `(expr)`, `(expr, expr, ...)`
    fn parentheses(&mut self) -> Parsed<Expr> {
        if self.subquery_follows() {
            return self.scalar_subquery();
        }
        let start = self.advance().start;
        let first = self.expr()?;
        if self.accept(TokenKind::CloseParen) {
            return Ok(first);
        }
        self.row_fields(start, first)
    }

    fn scalar_subquery(&mut self) -> Parsed<Expr> {
        let start = self.token.start;
        let query = self.boxed_subquery()?;
        Ok(Expr::new(ExprKind::Subquery(query), self.span_from(start)))
    }

    fn exists(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        let query = self.boxed_subquery()?;
        Ok(Expr::new(ExprKind::Exists(query), self.span_from(start)))
    }

    fn row(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        self.advance();
        let first = self.expr()?;
        self.row_fields(start, first)
    }

    fn row_fields(&mut self, start: u32, first: Expr) -> Parsed<Expr> {
        self.expect(TokenKind::Comma)?;
        let mut fields = vec![first, self.expr()?];
        while self.accept(TokenKind::Comma) {
            fields.push(self.expr()?);
        }
        self.expect(TokenKind::CloseParen)?;
        Ok(Expr::new(ExprKind::Row(fields), self.span_from(start)))
    }

    fn case(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        let operand = if self.at_keyword(K::When) { None } else { Some(self.expr()?) };
        let mut branches = Vec::new();
        while self.accept_keyword(K::When) {
            let when = self.expr()?;
            self.expect_keyword(K::Then)?;
            branches.push(CaseBranch { when, then: self.expr()? });
        }
        if branches.is_empty() {
            return self.unexpected();
        }
        let otherwise = if self.accept_keyword(K::Else) { Some(self.expr()?) } else { None };
        self.expect_keyword(K::End)?;
        Ok(Expr::new(ExprKind::Case(Box::new(Case { operand, branches, otherwise })), self.span_from(start)))
    }

    /// `INTERVAL(n, a, ...)`, or `INTERVAL n unit + date`.
    fn interval_primary(&mut self) -> Parsed<Expr> {
        let function = self.interval_function_follows();
        let start = self.advance().start;
        if function {
            let args = self.parenthesized_exprs()?;
            return Ok(Expr::new(ExprKind::IntervalIndex(args), self.span_from(start)));
        }
        let amount = self.expr()?;
        let unit = self.interval_unit()?;
        self.expect(TokenKind::Plus)?;
        // The grammar's operand is a whole `expr` short of AND, OR, XOR: `INTERVAL 1 DAY + a = b` adds to `a = b`.
        self.enter()?;
        let operand = self.negation()?;
        self.leave();
        let sum = DateArithmetic { operand, amount, unit, subtract: false };
        Ok(Expr::new(ExprKind::DateArithmetic(Box::new(sum)), self.span_from(start)))
    }

    fn placeholder(&mut self) -> Parsed<Expr> {
        if !self.options.placeholders {
            return self.unexpected();
        }
        if self.parameter_count >= MAX_PLACEHOLDERS {
            return Err(Box::new(ParseError::TooManyPlaceholders));
        }
        let token = self.advance();
        let number = self.parameter_count;
        self.parameter_count += 1;
        Ok(Expr::new(ExprKind::Placeholder(number), token.span()))
    }

    /// The name of a user variable token, without `@` and quotes.
    pub(in crate::parser) fn user_variable_name(&self, token: Token) -> Parsed<Box<str>> {
        let inner = Token { start: token.start + 1, ..token };
        let source = self.slice(inner);
        let name = match source.first() {
            Some(b'\'' | b'"' | b'`') => {
                let quoted = if source[0] == b'`' { TokenKind::QuotedIdent } else { TokenKind::String };
                self.ident_of(Token { kind: quoted, ..inner })?.value
            }
            _ => self.text_of(source.to_vec())?,
        };
        Ok(name.into())
    }

    pub(in crate::parser) fn expect_user_variable(&mut self) -> Parsed<Box<str>> {
        let token = self.expect(TokenKind::UserVariable)?;
        self.user_variable_name(token)
    }

    fn user_variable(&mut self) -> Parsed<Expr> {
        let token = self.advance();
        let variable = self.user_variable_name(token)?;
        if self.accept(TokenKind::Assign) {
            let value = self.expr()?;
            let kind = ExprKind::Assign(Box::new(Assign { variable, value }));
            return Ok(Expr::new(kind, self.span_from(token.start)));
        }
        Ok(Expr::new(ExprKind::UserVariable(variable), token.span()))
    }

    fn system_variable(&mut self) -> Parsed<Expr> {
        let start = self.token.start;
        let variable = self.system_variable_name()?;
        Ok(Expr::new(ExprKind::SystemVariable(Box::new(variable)), self.span_from(start)))
    }

    /// `@@[scope.][component.]name`, at `@@`.
    pub(in crate::parser) fn system_variable_name(&mut self) -> Parsed<SystemVariable> {
        self.expect(TokenKind::AtAt)?;
        let scope = match self.variable_scope() {
            Some(scope) if self.next.is(TokenKind::Dot) => {
                self.advance();
                self.advance();
                Some(scope)
            }
            _ => None,
        };
        let first = self.ident()?;
        if self.accept(TokenKind::Dot) {
            return Ok(SystemVariable { scope, component: Some(first), name: self.ident()? });
        }
        Ok(SystemVariable { scope, component: None, name: first })
    }

    /// The scope the current word names.
    pub(in crate::parser) fn variable_scope(&self) -> Option<VariableScope> {
        const SCOPES: [(&str, VariableScope); 5] = [
            ("GLOBAL", VariableScope::Global),
            ("SESSION", VariableScope::Session),
            ("LOCAL", VariableScope::Session),
            ("PERSIST", VariableScope::Persist),
            ("PERSIST_ONLY", VariableScope::PersistOnly),
        ];
        SCOPES.iter().find(|(word, _)| self.at_word(word)).map(|(_, scope)| *scope)
    }
}
