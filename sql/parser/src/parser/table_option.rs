//! Table options of CREATE TABLE and ALTER TABLE.

use super::{Parsed, Parser};
use crate::ast::{Ident, TableOption as O};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// One option, if one is here.
    pub(super) fn table_option(&mut self) -> Parsed<Option<O>> {
        let Some(keyword) = self.keyword() else {
            return self.word_option();
        };
        if let Some(option) = self.charset_option(keyword)? {
            return Ok(Some(option));
        }
        if let Some(option) = self.number_option(keyword)? {
            return Ok(Some(option));
        }
        self.text_option(keyword)
    }

    /// The value of an option starts here: `=` may stand before it.
    fn option_value(&mut self) {
        self.advance();
        self.accept(TokenKind::Equal);
    }

    /// `[DEFAULT] CHARACTER SET [=] x`, `[DEFAULT] COLLATE [=] x`
    pub(super) fn charset_option(&mut self, keyword: K) -> Parsed<Option<O>> {
        if keyword == K::Default
            && !matches!(self.next.kind, TokenKind::Keyword(K::Charset | K::Character | K::Char | K::Collate))
        {
            return Ok(None);
        }
        self.accept_keyword(K::Default);
        if self.accept_charset_words() {
            self.accept(TokenKind::Equal);
            return self.charset_name_or_default().map(|charset| Some(O::Charset(charset)));
        }
        if self.at_keyword(K::Collate) {
            self.option_value();
            return self.charset_name_or_default().map(|collation| Some(O::Collate(collation)));
        }
        Ok(None)
    }

    fn charset_name_or_default(&mut self) -> Parsed<Ident> {
        if self.at_keyword(K::Default) {
            let token = self.advance();
            return self.ident_of(token);
        }
        self.charset_name()
    }

    fn number_option(&mut self, keyword: K) -> Parsed<Option<O>> {
        let plain: fn(u64) -> O = match keyword {
            K::AutoIncrement => O::AutoIncrement,
            K::KeyBlockSize => O::KeyBlockSize,
            K::AvgRowLength => O::AvgRowLength,
            K::MaxRows => O::MaxRows,
            K::MinRows => O::MinRows,
            K::Checksum | K::TableChecksum => O::Checksum,
            K::DelayKeyWrite => O::DelayKeyWrite,
            K::AutoextendSize => O::AutoextendSize,
            _ => return self.ternary_option(keyword),
        };
        self.option_value();
        let number = if keyword == K::AutoextendSize { self.size()? } else { self.option_number()? };
        Ok(Some(plain(number)))
    }

    /// An integer, also in hexadecimal.
    fn option_number(&mut self) -> Parsed<u64> {
        if self.at(TokenKind::Hex) {
            let token = self.advance();
            let digits = self.slice(token).get(2..).unwrap_or(&[]);
            let text = String::from_utf8_lossy(digits);
            return match u64::from_str_radix(text.trim_end_matches('\''), 16) {
                Ok(number) => Ok(number),
                Err(_) => Err(self.syntax_error(token.start)),
            };
        }
        self.integer()
    }

    /// `0`, `1`, `DEFAULT`, or for the number of sample pages any integer
    fn ternary_option(&mut self, keyword: K) -> Parsed<Option<O>> {
        let option: fn(Option<u64>) -> O = match keyword {
            K::StatsPersistent => O::StatsPersistent,
            K::StatsAutoRecalc => O::StatsAutoRecalc,
            K::StatsSamplePages => O::StatsSamplePages,
            K::PackKeys => O::PackKeys,
            _ => return Ok(None),
        };
        self.option_value();
        if self.accept_keyword(K::Default) {
            return Ok(Some(option(None)));
        }
        Ok(Some(option(Some(self.option_number()?))))
    }

    /// `4M`, `1024`, `2G`
    fn size(&mut self) -> Parsed<u64> {
        if self.at(TokenKind::Integer) {
            return self.integer();
        }
        let text = String::from_utf8_lossy(self.slice(self.token)).into_owned();
        let shift = match text.as_bytes().last() {
            Some(b'k' | b'K') => 10,
            Some(b'm' | b'M') => 20,
            Some(b'g' | b'G') => 30,
            _ => return self.unexpected(),
        };
        match text[..text.len() - 1].parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift)) {
            Some(size) => {
                self.advance();
                Ok(size)
            }
            None => self.unexpected(),
        }
    }

    fn text_option(&mut self, keyword: K) -> Parsed<Option<O>> {
        let option = match keyword {
            K::Engine => {
                self.option_value();
                O::Engine(self.ident_or_text()?.value)
            }
            K::SecondaryEngine => {
                self.option_value();
                let none = self.accept_keyword(K::Null);
                O::SecondaryEngine(if none { None } else { Some(self.ident_or_text()?.value) })
            }
            K::RowFormat | K::InsertMethod => {
                self.option_value();
                let word = self.charset_name_or_default()?;
                if keyword == K::RowFormat { O::RowFormat(word) } else { O::InsertMethod(word) }
            }
            K::Tablespace => {
                self.option_value();
                O::Tablespace(self.ident()?)
            }
            K::Storage => {
                self.advance();
                O::Storage(self.ident()?)
            }
            K::Union => {
                self.option_value();
                self.expect(TokenKind::OpenParen)?;
                let tables = self.comma_separated(Self::object_name)?;
                self.expect(TokenKind::CloseParen)?;
                O::Union(tables)
            }
            K::Data | K::Index if self.next_is(K::Directory) => {
                self.advance();
                self.option_value();
                let path = self.string()?;
                if keyword == K::Data { O::DataDirectory(path) } else { O::IndexDirectory(path) }
            }
            K::Start if self.next_is(K::Transaction) => {
                self.advance();
                self.advance();
                O::StartTransaction
            }
            _ => return self.string_option(keyword),
        };
        Ok(Some(option))
    }

    fn string_option(&mut self, keyword: K) -> Parsed<Option<O>> {
        let option: fn(String) -> O = match keyword {
            K::Comment => O::Comment,
            K::Compression => O::Compression,
            K::Encryption => O::Encryption,
            K::Connection => O::Connection,
            K::Password => O::Password,
            K::EngineAttribute => O::EngineAttribute,
            K::SecondaryEngineAttribute => O::SecondaryEngineAttribute,
            _ => return Ok(None),
        };
        self.option_value();
        Ok(Some(option(self.string()?)))
    }

    /// Options whose names are no keywords: TiDB's.
    fn word_option(&mut self) -> Parsed<Option<O>> {
        type NumberOption = (&'static str, fn(u64) -> O);
        const WORDS: [NumberOption; 4] = [
            ("SHARD_ROW_ID_BITS", O::ShardRowIdBits),
            ("PRE_SPLIT_REGIONS", O::PreSplitRegions),
            ("AUTO_ID_CACHE", O::AutoIdCache),
            ("AUTO_RANDOM_BASE", O::AutoRandomBase),
        ];
        let Some((_, option)) = WORDS.iter().find(|(word, _)| self.at_word(word)) else {
            return Ok(None);
        };
        self.option_value();
        Ok(Some(option(self.integer()?)))
    }
}
