//! INSERT and REPLACE, CALL, DO.

use super::{Parsed, Parser};
use crate::ast::{
    Assignment, CallProcedure, ColumnRef, Expr, ExprKind, Insert, InsertAlias, InsertSource, StatementKind,
    ValueBatch, ValueList, ValueLists, WritePriority,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn insert_statement(&mut self) -> Parsed<StatementKind> {
        let replace = self.advance().is(TokenKind::Keyword(K::Replace));
        let hints = self.optional_hints()?;
        let priority = self.write_priority(replace);
        let ignore = !replace && self.accept_keyword(K::Ignore);
        self.accept_keyword(K::Into);
        let table = self.object_name()?;
        let partitions = self.optional_partitions()?;
        let mut insert = Insert {
            replace,
            hints,
            priority,
            ignore,
            table,
            partitions,
            columns: None,
            source: InsertSource::Values(self.lists_of(Vec::new())),
            alias: None,
            on_duplicate: Vec::new(),
        };
        self.insert_source(&mut insert)?;
        if !replace {
            self.insert_tail(&mut insert)?;
        }
        Ok(StatementKind::Insert(Box::new(insert)))
    }

    fn write_priority(&mut self, replace: bool) -> WritePriority {
        let priority = match self.keyword() {
            Some(K::LowPriority) => WritePriority::Low,
            Some(K::Delayed) => WritePriority::Delayed,
            Some(K::HighPriority) if !replace => WritePriority::High,
            _ => return WritePriority::Normal,
        };
        self.advance();
        priority
    }

    fn insert_source(&mut self, insert: &mut Insert) -> Parsed<()> {
        if self.accept_keyword(K::Set) {
            let (columns, row) = self.comma_separated(Self::insert_assignment)?.into_iter().unzip();
            insert.columns = Some(columns);
            insert.source = InsertSource::Values(self.lists_of(vec![row]));
            return Ok(());
        }
        if self.at(TokenKind::OpenParen) && !self.subquery_follows() {
            insert.columns = Some(self.insert_columns()?);
        }
        let values = self.at_keyword(K::Values) || self.at_keyword(K::Value);
        if values && !self.next_is(K::Row) {
            self.advance();
            insert.source = InsertSource::Values(self.value_lists()?);
        } else {
            insert.source = InsertSource::Query(Box::new(self.query(None)?));
        }
        Ok(())
    }

    fn lists_of(&self, rows: Vec<ValueList>) -> ValueLists {
        ValueLists { batches: vec![ValueBatch::kept(rows)], options: *self.options }
    }

    fn insert_assignment(&mut self) -> Parsed<(ColumnRef, Expr)> {
        self.assignment().map(|assignment| (assignment.column, assignment.value))
    }

    /// `()` or `(a, t.b)`
    fn insert_columns(&mut self) -> Parsed<Vec<ColumnRef>> {
        self.expect(TokenKind::OpenParen)?;
        if self.accept(TokenKind::CloseParen) {
            return Ok(Vec::new());
        }
        let columns = self.comma_separated(Self::column_ref)?;
        self.expect(TokenKind::CloseParen)?;
        Ok(columns)
    }

    /// `column = value`, also `:=`
    pub(super) fn assignment(&mut self) -> Parsed<Assignment> {
        let column = self.column_ref()?;
        if !self.accept(TokenKind::Assign) {
            self.expect(TokenKind::Equal)?;
        }
        Ok(Assignment { column, value: self.value_expr()? })
    }

    pub(super) fn value_expr(&mut self) -> Parsed<Expr> {
        if self.at_keyword(K::Default) && !self.next.is(TokenKind::OpenParen) {
            let span = self.advance().span();
            return Ok(Expr::new(ExprKind::Default, span));
        }
        self.expr()
    }

    /// `AS new(a, b)` and ON DUPLICATE KEY UPDATE.
    fn insert_tail(&mut self, insert: &mut Insert) -> Parsed<()> {
        if matches!(insert.source, InsertSource::Values(_)) && self.accept_keyword(K::As) {
            let name = self.ident()?;
            insert.alias = Some(InsertAlias { name, columns: self.optional_column_names()? });
        }
        if self.accept_keyword(K::On) {
            self.expect_keywords(&[K::Duplicate, K::Key, K::Update])?;
            insert.on_duplicate = self.comma_separated(Self::assignment)?;
        }
        Ok(())
    }

    pub(super) fn call_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let name = self.object_name()?;
        let mut args = Vec::new();
        if self.accept(TokenKind::OpenParen) && !self.accept(TokenKind::CloseParen) {
            args = self.comma_separated(Self::expr)?;
            self.expect(TokenKind::CloseParen)?;
        }
        Ok(StatementKind::Call(Box::new(CallProcedure { name, args })))
    }

    /// Its expressions are select items, but for `*` and aliases having no use.
    pub(super) fn do_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let exprs = self.comma_separated(|parser| {
            let expr = parser.expr()?;
            if parser.accept_keyword(K::As) || parser.at_ident() || parser.at(TokenKind::String) {
                parser.ident_or_text()?;
            }
            Ok(expr)
        })?;
        Ok(StatementKind::Do(exprs))
    }
}
