//! Index definitions, CREATE INDEX, and the ALGORITHM and LOCK options of online DDL.

use super::{Parsed, Parser};
use crate::ast::{
    CreateIndex, DdlAlgorithm, DdlLock, Ident, IndexAlgorithm, IndexDef, IndexKey, IndexKind, IndexOptions,
    IndexPart, OnlineOptions, StatementKind,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// `[UNIQUE|FULLTEXT|SPATIAL] [INDEX|KEY] ...` or `PRIMARY KEY ...`, if one is here; `constraint` is its name.
    pub(super) fn optional_index(&mut self, constraint: Option<Ident>) -> Parsed<Option<IndexDef>> {
        let kind = match self.keyword() {
            Some(K::Primary) => IndexKind::Primary,
            Some(K::Unique) => IndexKind::Unique,
            Some(K::Fulltext) => IndexKind::Fulltext,
            Some(K::Spatial) => IndexKind::Spatial,
            Some(K::Index | K::Key) => IndexKind::Plain,
            _ => return Ok(None),
        };
        self.advance();
        match kind {
            IndexKind::Plain => {}
            IndexKind::Primary => self.expect_keyword(K::Key)?,
            _ => {
                if !self.accept_keyword(K::Index) {
                    self.accept_keyword(K::Key);
                }
            }
        }
        let name = if self.at_ident() && !self.at_word_type() { Some(self.ident()?) } else { None };
        let mut options = IndexOptions::default();
        self.index_type(&mut options)?;
        let parts = self.parenthesized(Self::index_part)?;
        self.index_options(kind, &mut options)?;
        Ok(Some(IndexDef { kind, constraint, name, parts, options }))
    }

    /// `TYPE BTREE`, the old spelling of USING, where a name could stand.
    fn at_word_type(&self) -> bool {
        self.at_keyword(K::Type)
            && matches!(self.next.kind, TokenKind::Keyword(K::Btree | K::Hash | K::Rtree))
    }

    /// `USING BTREE`
    fn index_type(&mut self, options: &mut IndexOptions) -> Parsed<bool> {
        if !self.at_keyword(K::Using) && !self.at_word_type() {
            return Ok(false);
        }
        self.advance();
        options.algorithm = Some(match self.keyword() {
            Some(K::Btree) => IndexAlgorithm::Btree,
            Some(K::Hash) => IndexAlgorithm::Hash,
            Some(K::Rtree) => IndexAlgorithm::Rtree,
            _ => return self.unexpected(),
        });
        self.advance();
        Ok(true)
    }

    /// `a`, `a(10)`, `(expr)`, each with a direction
    pub(super) fn index_part(&mut self) -> Parsed<IndexPart> {
        let key = if self.at(TokenKind::OpenParen) {
            let (expr, text) = self.parenthesized_source()?;
            IndexKey::Expr { expr, text }
        } else {
            let name = self.ident()?;
            IndexKey::Column { name, prefix: self.optional_length()? }
        };
        let descending = if self.accept_keyword(K::Desc) {
            Some(true)
        } else if self.accept_keyword(K::Asc) {
            Some(false)
        } else {
            None
        };
        Ok(IndexPart { key, descending })
    }

    fn index_options(&mut self, kind: IndexKind, options: &mut IndexOptions) -> Parsed<()> {
        loop {
            if self.index_type(options)? {
                continue;
            }
            if let Some(clustered) = self.clustered() {
                options.clustered = Some(clustered);
                continue;
            }
            match self.keyword() {
                Some(K::KeyBlockSize) => {
                    self.advance();
                    self.accept(TokenKind::Equal);
                    options.key_block_size = Some(self.integer()?);
                }
                Some(K::Comment) => {
                    self.advance();
                    options.comment = Some(self.string()?);
                }
                Some(K::Visible) => {
                    self.advance();
                    options.visible = Some(true);
                }
                Some(K::Invisible) => {
                    self.advance();
                    options.visible = Some(false);
                }
                Some(K::With) if kind == IndexKind::Fulltext && self.next_is(K::Parser) => {
                    self.advance();
                    self.advance();
                    options.parser = Some(self.ident()?);
                }
                Some(K::EngineAttribute) => {
                    self.advance();
                    self.accept(TokenKind::Equal);
                    options.engine_attribute = Some(self.string()?);
                }
                Some(K::SecondaryEngineAttribute) => {
                    self.advance();
                    self.accept(TokenKind::Equal);
                    options.secondary_engine_attribute = Some(self.string()?);
                }
                _ => return Ok(()),
            }
        }
    }

    /// `CREATE [UNIQUE|FULLTEXT|SPATIAL] INDEX name [USING ...] ON t (parts) options`
    pub(super) fn create_index_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let kind = match self.advance().kind {
            TokenKind::Keyword(K::Unique) => IndexKind::Unique,
            TokenKind::Keyword(K::Fulltext) => IndexKind::Fulltext,
            TokenKind::Keyword(K::Spatial) => IndexKind::Spatial,
            _ => IndexKind::Plain,
        };
        if kind != IndexKind::Plain {
            self.expect_keyword(K::Index)?;
        }
        let name = Some(self.ident()?);
        let mut options = IndexOptions::default();
        self.index_type(&mut options)?;
        self.expect_keyword(K::On)?;
        let table = self.object_name()?;
        let parts = self.parenthesized(Self::index_part)?;
        self.index_options(kind, &mut options)?;
        let mut online = OnlineOptions::default();
        while self.online_option(&mut online)? {}
        let index = IndexDef { kind, constraint: None, name, parts, options };
        Ok(StatementKind::CreateIndex(Box::new(CreateIndex { index, table, online })))
    }

    /// `ALGORITHM [=] x` or `LOCK [=] x`
    pub(super) fn online_option(&mut self, online: &mut OnlineOptions) -> Parsed<bool> {
        if self.accept_keyword(K::Algorithm) {
            self.accept(TokenKind::Equal);
            online.algorithm = Some(self.choose(&[
                ("DEFAULT", DdlAlgorithm::Default),
                ("INSTANT", DdlAlgorithm::Instant),
                ("INPLACE", DdlAlgorithm::Inplace),
                ("COPY", DdlAlgorithm::Copy),
            ])?);
            return Ok(true);
        }
        if self.accept_keyword(K::Lock) {
            self.accept(TokenKind::Equal);
            online.lock = Some(self.choose(&[
                ("DEFAULT", DdlLock::Default),
                ("NONE", DdlLock::None),
                ("SHARED", DdlLock::Shared),
                ("EXCLUSIVE", DdlLock::Exclusive),
            ])?);
            return Ok(true);
        }
        Ok(false)
    }

    /// One of the words.
    pub(super) fn choose<T: Copy>(&mut self, words: &[(&str, T)]) -> Parsed<T> {
        match words.iter().find(|(word, _)| self.at_word(word)) {
            Some((_, value)) => {
                self.advance();
                Ok(*value)
            }
            None => self.unexpected(),
        }
    }
}
