//! UPDATE and DELETE, on one table or several.

use super::{Parsed, Parser};
use crate::ast::{Delete, ObjectName, StatementKind, TableFactor, TableReference, Update, With};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn update_statement(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        self.expect_keyword(K::Update)?;
        let hints = self.optional_hints()?;
        let low_priority = self.accept_keyword(K::LowPriority);
        let ignore = self.accept_keyword(K::Ignore);
        let tables = self.table_references()?;
        self.expect_keyword(K::Set)?;
        let assignments = self.comma_separated(Self::assignment)?;
        let selection = if self.accept_keyword(K::Where) { Some(self.expr()?) } else { None };
        // Grammar allows the tail with several tables; the resolver refuses it (1221).
        let order_by = self.optional_order_by()?;
        let limit = self.optional_simple_limit()?;
        let update =
            Update { with, hints, low_priority, ignore, tables, assignments, selection, order_by, limit };
        Ok(StatementKind::Update(Box::new(update)))
    }

    pub(super) fn delete_statement(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        self.expect_keyword(K::Delete)?;
        let hints = self.optional_hints()?;
        let mut delete = Delete {
            with,
            hints,
            low_priority: false,
            quick: false,
            ignore: false,
            targets: Vec::new(),
            tables: Vec::new(),
            selection: None,
            order_by: Vec::new(),
            limit: None,
        };
        self.delete_options(&mut delete);
        if self.accept_keyword(K::From) {
            self.delete_from(&mut delete)?;
        } else {
            delete.targets = self.comma_separated(Self::delete_target)?;
            self.expect_keyword(K::From)?;
            delete.tables = self.table_references()?;
        }
        if self.accept_keyword(K::Where) {
            delete.selection = Some(self.expr()?);
        }
        if delete.targets.is_empty() {
            delete.order_by = self.optional_order_by()?;
            delete.limit = self.optional_simple_limit()?;
        }
        Ok(StatementKind::Delete(Box::new(delete)))
    }

    fn delete_options(&mut self, delete: &mut Delete) {
        loop {
            let flag = match self.keyword() {
                Some(K::LowPriority) => &mut delete.low_priority,
                Some(K::Ignore) => &mut delete.ignore,
                // QUICK is a name when it is the table's.
                Some(K::Quick) if !self.next.is(TokenKind::Dot) && !self.next.is(TokenKind::Comma) => {
                    &mut delete.quick
                }
                _ => return,
            };
            *flag = true;
            self.advance();
        }
    }

    /// `FROM t [AS x] [PARTITION ...]`, or `FROM t, u USING references`
    fn delete_from(&mut self, delete: &mut Delete) -> Parsed<()> {
        let start = self.token.start;
        let name = self.delete_target()?;
        if self.at(TokenKind::Comma) || self.at_keyword(K::Using) {
            delete.targets.push(name);
            while self.accept(TokenKind::Comma) {
                let target = self.delete_target()?;
                delete.targets.push(target);
            }
            self.expect_keyword(K::Using)?;
            delete.tables = self.table_references()?;
            return Ok(());
        }
        let mut alias = self.table_alias()?;
        let partitions = self.optional_partitions()?;
        if alias.is_none() && !partitions.is_empty() {
            alias = self.table_alias()?;
        }
        let span = self.span_from(start);
        let table = TableFactor { name, partitions, as_of: None, alias, index_hints: Vec::new(), span };
        delete.tables.push(TableReference::Table(Box::new(table)));
        Ok(())
    }

    /// `t`, `db.t`, each with an optional `.*`
    fn delete_target(&mut self) -> Parsed<ObjectName> {
        let first = self.ident()?;
        if !self.accept(TokenKind::Dot) || self.accept(TokenKind::Star) {
            return Ok(ObjectName { database: None, name: first });
        }
        let name = self.ident()?;
        if self.accept(TokenKind::Dot) {
            self.expect(TokenKind::Star)?;
        }
        Ok(ObjectName { database: Some(first), name })
    }
}
