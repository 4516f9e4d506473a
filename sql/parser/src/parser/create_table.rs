//! CREATE TABLE.

use super::{Parsed, Parser};
use crate::ast::{CreateQuery, CreateTable, ForeignKeyDef, Ident, StatementKind};
use crate::lexer::{Keyword as K, TokenKind};

/// One element between the parentheses, other than a column.
pub(super) enum TableElement {
    Index(crate::ast::IndexDef),
    ForeignKey(ForeignKeyDef),
    Check(crate::ast::CheckDef),
}

impl Parser<'_> {
    pub(super) fn create_table_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let temporary = self.accept_keyword(K::Temporary);
        self.expect_keyword(K::Table)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let mut table = CreateTable {
            temporary,
            if_not_exists,
            name,
            like: None,
            columns: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            options: Vec::new(),
            partitioning: None,
            query: None,
        };
        if self.accept_keyword(K::Like) {
            table.like = Some(self.object_name()?);
            return Ok(StatementKind::CreateTable(Box::new(table)));
        }
        let elements = self.at(TokenKind::OpenParen) && !self.subquery_follows();
        if elements {
            self.advance();
            if self.accept_keyword(K::Like) {
                table.like = Some(self.object_name()?);
                self.expect(TokenKind::CloseParen)?;
                return Ok(StatementKind::CreateTable(Box::new(table)));
            }
            self.table_elements(&mut table)?;
        }
        self.create_table_tail(&mut table)?;
        if !elements && table.query.is_none() {
            return self.no_columns();
        }
        Ok(StatementKind::CreateTable(Box::new(table)))
    }

    /// Without elements and query: a syntax error at the end if nothing else was written, else 1113.
    fn no_columns<T>(&self) -> Parsed<T> {
        Err(Box::new(crate::ParseError::Other {
            code: 1113,
            sqlstate: "42000",
            message: "A table must have at least 1 column".into(),
        }))
    }

    /// `IF NOT EXISTS`
    pub(super) fn if_not_exists(&mut self) -> Parsed<bool> {
        if !self.accept_keyword(K::If) {
            return Ok(false);
        }
        self.expect_keywords(&[K::Not, K::Exists])?;
        Ok(true)
    }

    /// `IF EXISTS`
    pub(super) fn if_exists(&mut self) -> Parsed<bool> {
        if !self.accept_keyword(K::If) {
            return Ok(false);
        }
        self.expect_keyword(K::Exists)?;
        Ok(true)
    }

    fn table_elements(&mut self, table: &mut CreateTable) -> Parsed<()> {
        loop {
            match self.optional_table_element()? {
                Some(TableElement::Index(index)) => table.indexes.push(index),
                Some(TableElement::ForeignKey(foreign_key)) => table.foreign_keys.push(foreign_key),
                Some(TableElement::Check(check)) => table.checks.push(check),
                None => {
                    let mut column = self.column_def()?;
                    // `a INT REFERENCES t (a)` may also carry a FOREIGN KEY's options; they mean nothing in MySQL.
                    if column.attributes.references.is_none() && self.at_keyword(K::References) {
                        column.attributes.references = Some(self.references()?);
                    }
                    table.columns.push(column);
                }
            }
            if !self.accept(TokenKind::Comma) {
                self.expect(TokenKind::CloseParen)?;
                return Ok(());
            }
        }
    }

    /// An index, a foreign key or a CHECK, if one is here.
    pub(super) fn optional_table_element(&mut self) -> Parsed<Option<TableElement>> {
        let constraint = self.optional_constraint()?;
        if constraint.is_some()
            && matches!(self.keyword(), Some(K::Index | K::Key | K::Fulltext | K::Spatial))
        {
            return self.unexpected();
        }
        let named = constraint.is_some();
        let name = constraint.flatten();
        match self.keyword() {
            Some(K::Foreign) => Ok(Some(TableElement::ForeignKey(self.foreign_key(name)?))),
            Some(K::Check) => {
                self.advance();
                Ok(Some(TableElement::Check(self.check(name)?)))
            }
            _ => match self.optional_index(name)? {
                Some(index) => Ok(Some(TableElement::Index(index))),
                None if named => self.unexpected(),
                None => Ok(None),
            },
        }
    }

    /// `FOREIGN KEY [index] (columns) REFERENCES ...`
    fn foreign_key(&mut self, constraint: Option<Ident>) -> Parsed<ForeignKeyDef> {
        self.expect_keywords(&[K::Foreign, K::Key])?;
        let index = if self.at_ident() { Some(self.ident()?) } else { None };
        // Directions and prefixes are allowed by the grammar and refused later; names are all that can be meant.
        let columns = self.parenthesized(Self::ident)?;
        Ok(ForeignKeyDef { constraint, index, columns, references: self.references()? })
    }

    /// Options, partitioning, and the query.
    fn create_table_tail(&mut self, table: &mut CreateTable) -> Parsed<()> {
        while let Some(option) = self.table_option()? {
            table.options.push(option);
            // Commas between options are optional.
            if self.accept(TokenKind::Comma) && !self.table_option_follows() {
                return self.unexpected();
            }
        }
        if self.at_keyword(K::Partition) {
            table.partitioning = Some(self.partitioning()?);
        }
        let ignore = self.accept_keyword(K::Ignore);
        let replace = !ignore && self.accept_keyword(K::Replace);
        let explicit = self.accept_keyword(K::As);
        let query = matches!(self.keyword(), Some(K::Select | K::With | K::Table | K::Values))
            || self.subquery_follows();
        if query {
            let query = Box::new(self.query(None)?);
            table.query = Some(CreateQuery { ignore, replace, query });
        } else if ignore || replace || explicit {
            return self.unexpected();
        }
        Ok(())
    }

    fn table_option_follows(&mut self) -> bool {
        let mark = self.mark();
        let found = matches!(self.table_option(), Ok(Some(_)));
        self.reset(mark);
        found
    }
}
