//! LOAD DATA, and the FIELDS and LINES clauses it shares with INTO OUTFILE.

use super::{Parsed, Parser};
use crate::ast::{FieldFormat, LoadData, LoadDuplicates, LoadField, LoadPriority, StatementKind};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn load_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.at_keyword(K::Xml) {
            return self.unsupported("LOAD XML");
        }
        if self.at_keyword(K::Index) {
            return self.unsupported("LOAD INDEX INTO CACHE");
        }
        self.expect_keyword(K::Data)?;
        let priority = match self.keyword() {
            Some(K::LowPriority) => LoadPriority::Low,
            Some(K::Concurrent) => LoadPriority::Concurrent,
            _ => LoadPriority::Normal,
        };
        if priority != LoadPriority::Normal {
            self.advance();
        }
        let local = self.accept_keyword(K::Local);
        self.expect_keyword(K::Infile)?;
        let path = self.string_bytes()?;
        let duplicates = self.load_duplicates();
        self.expect_keywords(&[K::Into, K::Table])?;
        let table = self.object_name()?;
        let partitions = self.optional_partitions()?;
        let charset = if self.accept_charset_words() { Some(self.charset_name()?) } else { None };
        let mut format = FieldFormat::default();
        self.field_format(&mut format)?;
        let ignore_lines = self.ignore_lines()?;
        let fields = self.load_fields()?;
        let set =
            if self.accept_keyword(K::Set) { self.comma_separated(Self::assignment)? } else { Vec::new() };
        let load = LoadData {
            priority,
            local,
            path,
            duplicates,
            table,
            partitions,
            charset,
            format,
            ignore_lines,
            fields,
            set,
        };
        Ok(StatementKind::LoadData(Box::new(load)))
    }

    fn load_duplicates(&mut self) -> LoadDuplicates {
        if self.accept_keyword(K::Replace) {
            LoadDuplicates::Replace
        } else if self.accept_keyword(K::Ignore) {
            LoadDuplicates::Ignore
        } else {
            LoadDuplicates::Error
        }
    }

    fn ignore_lines(&mut self) -> Parsed<u64> {
        if !self.accept_keyword(K::Ignore) {
            return Ok(0);
        }
        let lines = self.integer()?;
        if !self.accept_keyword(K::Rows) {
            self.expect_keyword(K::Lines)?;
        }
        Ok(lines)
    }

    fn load_fields(&mut self) -> Parsed<Vec<LoadField>> {
        if !self.accept(TokenKind::OpenParen) || self.accept(TokenKind::CloseParen) {
            return Ok(Vec::new());
        }
        let fields = self.comma_separated(|parser| {
            if parser.at(TokenKind::UserVariable) {
                return parser.expect_user_variable().map(LoadField::Variable);
            }
            parser.column_ref().map(LoadField::Column)
        })?;
        self.expect(TokenKind::CloseParen)?;
        Ok(fields)
    }

    /// `[FIELDS|COLUMNS ...] [LINES ...]`
    pub(super) fn field_format(&mut self, format: &mut FieldFormat) -> Parsed<()> {
        if self.accept_keyword(K::Columns) || self.accept_keyword(K::Fields) {
            let mut found = false;
            while self.field_clause(format)? {
                found = true;
            }
            if !found {
                return self.unexpected();
            }
        }
        if self.accept_keyword(K::Lines) {
            let mut found = false;
            loop {
                let target = match self.keyword() {
                    Some(K::Starting) => &mut format.lines_starting_by,
                    Some(K::Terminated) => &mut format.lines_terminated_by,
                    _ => break,
                };
                self.advance();
                self.expect_keyword(K::By)?;
                *target = Some(self.text_string()?);
                found = true;
            }
            if !found {
                return self.unexpected();
            }
        }
        Ok(())
    }

    fn field_clause(&mut self, format: &mut FieldFormat) -> Parsed<bool> {
        let target = match self.keyword() {
            Some(K::Terminated) => &mut format.fields_terminated_by,
            Some(K::Optionally) => {
                self.advance();
                if !self.at_keyword(K::Enclosed) {
                    return self.unexpected();
                }
                format.optionally_enclosed = true;
                &mut format.enclosed_by
            }
            Some(K::Enclosed) => &mut format.enclosed_by,
            Some(K::Escaped) => &mut format.escaped_by,
            _ => return Ok(false),
        };
        self.advance();
        self.expect_keyword(K::By)?;
        *target = Some(self.text_string()?);
        Ok(true)
    }

    /// A string, hexadecimal or bit literal as bytes; adjacent strings are not joined here.
    pub(super) fn text_string(&mut self) -> Parsed<Box<[u8]>> {
        use crate::ast::{ExprKind, Literal};
        match self.token.kind {
            TokenKind::String => self.string_bytes(),
            TokenKind::Hex | TokenKind::Bit => match self.literal()?.map(|literal| literal.kind) {
                Some(ExprKind::Literal(Literal::Hex(bytes) | Literal::Bit(bytes))) => Ok(bytes),
                _ => self.unexpected(),
            },
            _ => self.unexpected(),
        }
    }
}
