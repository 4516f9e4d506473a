//! What follows a query's body: ORDER BY, LIMIT, INTO, locking clauses.

use super::{Parsed, Parser};
use crate::ast::{
    Expr, ExprKind, FieldFormat, IntoTarget, IntoVariable, Limit, LockStrength, LockWait, Locking, Outfile,
    Query,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn query_tail(&mut self, query: &mut Query) -> Parsed<()> {
        query.order_by = self.optional_order_by()?;
        query.limit = self.optional_limit()?;
        query.into = self.pending_into.take();
        loop {
            match self.keyword() {
                Some(K::For) | Some(K::Lock) => query.locking.push(self.locking()?),
                Some(K::Into) if query.into.is_none() => query.into = Some(self.target_of_into()?),
                _ => return Ok(()),
            }
        }
    }

    pub(in crate::parser) fn optional_order_by(&mut self) -> Parsed<Vec<crate::ast::OrderItem>> {
        if !self.accept_keyword(K::Order) {
            return Ok(Vec::new());
        }
        self.expect_keyword(K::By)?;
        self.comma_separated(Self::order_item)
    }

    /// `LIMIT n`, `LIMIT offset, n`, `LIMIT n OFFSET offset`
    pub(in crate::parser) fn optional_limit(&mut self) -> Parsed<Option<Limit>> {
        if !self.accept_keyword(K::Limit) {
            return Ok(None);
        }
        let first = self.limit_value()?;
        if self.accept(TokenKind::Comma) {
            return Ok(Some(Limit { count: self.limit_value()?, offset: Some(first) }));
        }
        let offset = if self.accept_keyword(K::Offset) { Some(self.limit_value()?) } else { None };
        Ok(Some(Limit { count: first, offset }))
    }

    /// `LIMIT n` of UPDATE and DELETE, which have no offset.
    pub(in crate::parser) fn optional_simple_limit(&mut self) -> Parsed<Option<Limit>> {
        if !self.accept_keyword(K::Limit) {
            return Ok(None);
        }
        Ok(Some(Limit { count: self.limit_value()?, offset: None }))
    }

    fn limit_value(&mut self) -> Parsed<Expr> {
        match self.token.kind {
            TokenKind::Integer | TokenKind::Hex | TokenKind::Bit => match self.literal()? {
                Some(literal) => Ok(literal),
                None => self.unexpected(),
            },
            TokenKind::Question if self.options.placeholders => self.expr(),
            _ if self.at_ident() => {
                let column = self.ident()?;
                let span = column.span;
                let column = crate::ast::ColumnRef { database: None, table: None, column };
                Ok(Expr::new(ExprKind::Column(Box::new(column)), span))
            }
            _ => self.unexpected(),
        }
    }

    fn locking(&mut self) -> Parsed<Locking> {
        if self.accept_keyword(K::Lock) {
            self.expect_keywords(&[K::In, K::Share, K::Mode])?;
            return Ok(Locking { strength: LockStrength::Share, tables: Vec::new(), wait: LockWait::Wait });
        }
        self.expect_keyword(K::For)?;
        let strength = if self.accept_keyword(K::Update) {
            LockStrength::Update
        } else {
            self.expect_keyword(K::Share)?;
            LockStrength::Share
        };
        let tables =
            if self.accept_keyword(K::Of) { self.comma_separated(Self::object_name)? } else { Vec::new() };
        let wait = if self.accept_keyword(K::Nowait) {
            LockWait::NoWait
        } else if self.accept_keywords(K::Skip, K::Locked) {
            LockWait::SkipLocked
        } else {
            LockWait::Wait
        };
        Ok(Locking { strength, tables, wait })
    }

    /// INTO, at the word.
    pub(super) fn target_of_into(&mut self) -> Parsed<IntoTarget> {
        self.expect_keyword(K::Into)?;
        if self.accept_keyword(K::Dumpfile) {
            return Ok(IntoTarget::Dumpfile(self.string_bytes()?));
        }
        if self.accept_keyword(K::Outfile) {
            let path = self.string_bytes()?;
            let charset = if self.accept_charset_words() { Some(self.charset_name()?) } else { None };
            let mut format = FieldFormat::default();
            self.field_format(&mut format)?;
            return Ok(IntoTarget::Outfile(Box::new(Outfile { path, charset, format })));
        }
        let variables = self.comma_separated(|parser| {
            if parser.at(TokenKind::UserVariable) {
                return parser.expect_user_variable().map(IntoVariable::User);
            }
            parser.ident_or_text().map(IntoVariable::Local)
        })?;
        Ok(IntoTarget::Variables(variables))
    }
}
