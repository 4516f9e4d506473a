//! JSON_TABLE.

use super::{Parsed, Parser};
use crate::ast::{JsonTable, JsonTableColumn, TableReference};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// `JSON_TABLE(document, path COLUMNS (...)) [AS] alias`
    pub(super) fn json_table(&mut self) -> Parsed<TableReference> {
        self.expect_keyword(K::JsonTable)?;
        self.expect(TokenKind::OpenParen)?;
        let document = self.expr()?;
        self.expect(TokenKind::Comma)?;
        let path = self.string_bytes()?;
        let columns = self.json_columns()?;
        self.expect(TokenKind::CloseParen)?;
        self.accept_keyword(K::As);
        let alias = self.ident()?;
        Ok(TableReference::JsonTable(Box::new(JsonTable { document, path, columns, alias })))
    }

    fn json_columns(&mut self) -> Parsed<Vec<JsonTableColumn>> {
        self.expect_keyword(K::Columns)?;
        self.enter()?;
        let columns = self.parenthesized(Self::json_column)?;
        self.leave();
        Ok(columns)
    }

    fn json_column(&mut self) -> Parsed<JsonTableColumn> {
        if self.at_keyword(K::Nested) && (self.next_is(K::Path) || self.next.is(TokenKind::String)) {
            self.advance();
            self.accept_keyword(K::Path);
            let path = self.string_bytes()?;
            return Ok(JsonTableColumn::Nested { path, columns: self.json_columns()? });
        }
        let name = self.ident()?;
        if self.accept_keyword(K::For) {
            self.expect_keyword(K::Ordinality)?;
            return Ok(JsonTableColumn::Ordinality(name));
        }
        let mut data_type = self.data_type()?.data_type;
        if self.accept_keyword(K::Collate) {
            data_type.collation = Some(self.charset_name()?);
        }
        let exists = self.accept_keyword(K::Exists);
        self.expect_keyword(K::Path)?;
        let path = self.string_bytes()?;
        if exists {
            return Ok(JsonTableColumn::ExistsPath { name, data_type, path });
        }
        let (on_empty, on_error) = self.json_reactions()?;
        Ok(JsonTableColumn::Path { name, data_type, path, on_empty, on_error })
    }
}
