//! CREATE, ALTER and USE of databases.

use super::{Parsed, Parser};
use crate::ast::{AlterDatabase, CreateDatabase, DatabaseOptions, StatementKind, TableOption};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn create_database_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.ident()?;
        let mut options = DatabaseOptions::default();
        while self.database_option(&mut options)? {}
        Ok(StatementKind::CreateDatabase(Box::new(CreateDatabase { if_not_exists, name, options })))
    }

    pub(super) fn alter_database_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let option =
            matches!(self.keyword(), Some(K::Charset | K::Collate | K::Encryption | K::Default | K::Read))
                || (self.at_keyword(K::Character) && self.next_is(K::Set));
        let name = if option { None } else { Some(self.ident()?) };
        let mut options = DatabaseOptions::default();
        if !self.database_option(&mut options)? {
            return self.unexpected();
        }
        while self.database_option(&mut options)? {}
        Ok(StatementKind::AlterDatabase(Box::new(AlterDatabase { name, options })))
    }

    fn database_option(&mut self, options: &mut DatabaseOptions) -> Parsed<bool> {
        let Some(keyword) = self.keyword() else {
            return Ok(false);
        };
        match self.charset_option(keyword)? {
            Some(TableOption::Charset(charset)) => {
                options.charset = Some(charset);
                return Ok(true);
            }
            Some(TableOption::Collate(collation)) => {
                options.collation = Some(collation);
                return Ok(true);
            }
            _ => {}
        }
        if self.accept_keywords(K::Read, K::Only) {
            self.accept(TokenKind::Equal);
            options.read_only =
                if self.accept_keyword(K::Default) { Some(false) } else { Some(self.integer()? != 0) };
            return Ok(true);
        }
        self.accept_keyword(K::Default);
        if self.accept_keyword(K::Encryption) {
            self.accept(TokenKind::Equal);
            options.encryption = Some(self.string()?);
            return Ok(true);
        }
        Ok(false)
    }

    pub(super) fn use_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        Ok(StatementKind::Use(self.ident()?))
    }
}
