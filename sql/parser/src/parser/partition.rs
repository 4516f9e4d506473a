//! PARTITION BY and partition definitions.

use super::{Parsed, Parser};
use crate::ast::{
    PartitionDef, PartitionMethod, PartitionOptions, PartitionValue, PartitionValues, Partitioning,
    SubPartitionDef, SubPartitioning,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// From PARTITION on.
    pub(super) fn partitioning(&mut self) -> Parsed<Partitioning> {
        let start = self.token.start;
        self.expect_keywords(&[K::Partition, K::By])?;
        let method = self.partition_method(true)?;
        let count = if self.accept_keyword(K::Partitions) { Some(self.integer()?) } else { None };
        let sub = if self.accept_keyword(K::Subpartition) {
            self.expect_keyword(K::By)?;
            let method = self.partition_method(false)?;
            let count = if self.accept_keyword(K::Subpartitions) { Some(self.integer()?) } else { None };
            Some(SubPartitioning { method, count })
        } else {
            None
        };
        let partitions = if self.at(TokenKind::OpenParen) { self.partition_defs()? } else { Vec::new() };
        let text = self.source(start, self.previous_end);
        Ok(Partitioning { method, count, sub, partitions, text })
    }

    /// HASH and KEY, and at the top level RANGE and LIST.
    fn partition_method(&mut self, top: bool) -> Parsed<PartitionMethod> {
        let linear = self.accept_keyword(K::Linear);
        if self.accept_keyword(K::Hash) {
            self.expect(TokenKind::OpenParen)?;
            let expr = self.expr()?;
            self.expect(TokenKind::CloseParen)?;
            return Ok(PartitionMethod::Hash { linear, expr });
        }
        if self.accept_keyword(K::Key) {
            let algorithm = if self.accept_keyword(K::Algorithm) {
                self.expect(TokenKind::Equal)?;
                Some(self.integer()?)
            } else {
                None
            };
            self.expect(TokenKind::OpenParen)?;
            let columns =
                if self.at(TokenKind::CloseParen) { Vec::new() } else { self.comma_separated(Self::ident)? };
            self.expect(TokenKind::CloseParen)?;
            return Ok(PartitionMethod::Key { linear, algorithm, columns });
        }
        let range = self.at_keyword(K::Range);
        if linear || !top || !(range || self.at_keyword(K::List)) {
            return self.unexpected();
        }
        self.advance();
        if self.accept_keyword(K::Columns) {
            let columns = self.parenthesized(Self::ident)?;
            return Ok(if range {
                PartitionMethod::RangeColumns(columns)
            } else {
                PartitionMethod::ListColumns(columns)
            });
        }
        self.expect(TokenKind::OpenParen)?;
        let expr = self.expr()?;
        self.expect(TokenKind::CloseParen)?;
        Ok(if range { PartitionMethod::Range(expr) } else { PartitionMethod::List(expr) })
    }

    /// `(PARTITION p0 ..., PARTITION p1 ...)`
    pub(super) fn partition_defs(&mut self) -> Parsed<Vec<PartitionDef>> {
        self.parenthesized(|parser| {
            parser.expect_keyword(K::Partition)?;
            let name = parser.ident()?;
            let values = parser.partition_values()?;
            let options = parser.partition_options()?;
            let subpartitions = if parser.at(TokenKind::OpenParen) {
                parser.parenthesized(|parser| {
                    parser.expect_keyword(K::Subpartition)?;
                    let name = parser.ident_or_text()?;
                    Ok(SubPartitionDef { name, options: parser.partition_options()? })
                })?
            } else {
                Vec::new()
            };
            Ok(PartitionDef { name, values, options, subpartitions })
        })
    }

    fn partition_values(&mut self) -> Parsed<PartitionValues> {
        if !self.accept_keyword(K::Values) {
            return Ok(PartitionValues::None);
        }
        if self.accept_keyword(K::Less) {
            self.expect_keyword(K::Than)?;
            if self.accept_keyword(K::Maxvalue) {
                return Ok(PartitionValues::LessThan(vec![PartitionValue::MaxValue]));
            }
            return self.parenthesized(Self::partition_value).map(PartitionValues::LessThan);
        }
        self.expect_keyword(K::In)?;
        let rows = self.parenthesized(|parser| {
            // A parenthesis opens a row of several columns; `(1 + 1)` alone is a row of one either way.
            if parser.at(TokenKind::OpenParen) {
                return parser.parenthesized(Self::partition_value);
            }
            Ok(vec![parser.partition_value()?])
        })?;
        Ok(PartitionValues::In(rows))
    }

    fn partition_value(&mut self) -> Parsed<PartitionValue> {
        if self.accept_keyword(K::Maxvalue) {
            return Ok(PartitionValue::MaxValue);
        }
        self.expr().map(PartitionValue::Expr)
    }

    fn partition_options(&mut self) -> Parsed<PartitionOptions> {
        let mut options = PartitionOptions::default();
        loop {
            let Some(keyword) = self.keyword() else {
                return Ok(options);
            };
            match keyword {
                K::Storage if self.next_is(K::Engine) => {
                    self.advance();
                    continue;
                }
                K::Engine | K::Comment | K::MaxRows | K::MinRows | K::Tablespace | K::Nodegroup => {}
                K::Data | K::Index if self.next_is(K::Directory) => {
                    self.advance();
                }
                _ => return Ok(options),
            }
            self.advance();
            self.accept(TokenKind::Equal);
            match keyword {
                K::Engine => options.engine = Some(self.ident_or_text()?.value),
                K::Comment => options.comment = Some(self.string()?),
                K::MaxRows => options.max_rows = Some(self.integer()?),
                K::MinRows => options.min_rows = Some(self.integer()?),
                K::Tablespace => options.tablespace = Some(self.ident()?),
                K::Nodegroup => options.nodegroup = Some(self.integer()?),
                K::Data => options.data_directory = Some(self.string()?),
                _ => options.index_directory = Some(self.string()?),
            }
        }
    }
}
