//! Column types and their synonyms.

use super::{Parsed, Parser};
use crate::ast::{DataType, DataTypeKind as D, Ident};
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::SqlMode;
use crate::parser::expression::cast::geometry_kind;

/// Largest precision of FLOAT(p) that is single; above it is double.
const FLOAT_PRECISION_MAX: u64 = 24;

/// A type, and whether it was SERIAL, which implies attributes.
pub(super) struct ColumnType {
    pub(super) data_type: DataType,
    pub(super) serial: bool,
}

impl Parser<'_> {
    pub(super) fn data_type(&mut self) -> Parsed<ColumnType> {
        let start = self.token.start;
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        let mut data_type = new_type(D::Int);
        if !self.number_type(keyword, &mut data_type)?
            && !self.text_type(keyword, &mut data_type)?
            && !self.other_type(keyword, &mut data_type)?
        {
            return self.unexpected();
        }
        data_type.span = self.span_from(start);
        Ok(ColumnType { data_type, serial: keyword == K::Serial })
    }

    fn number_type(&mut self, keyword: K, data_type: &mut DataType) -> Parsed<bool> {
        let kind = match keyword {
            K::Tinyint | K::Int1 => D::TinyInt,
            K::Smallint | K::Int2 => D::SmallInt,
            K::Mediumint | K::Middleint | K::Int3 => D::MediumInt,
            K::Int | K::Integer | K::Int4 => D::Int,
            K::Bigint | K::Int8 => D::BigInt,
            K::Decimal | K::Dec | K::Numeric | K::Fixed => D::Decimal,
            K::Float | K::Float4 => D::Float,
            K::Double | K::Float8 => D::Double,
            K::Real if self.mode(SqlMode::REAL_AS_FLOAT) => D::Float,
            K::Real => D::Double,
            _ => return Ok(false),
        };
        self.advance();
        data_type.kind = kind;
        match kind {
            D::Double => {
                self.accept_keyword(K::Precision);
                self.precision(data_type, true)?;
            }
            D::Float => {
                self.precision(data_type, false)?;
                if data_type.decimals.is_none()
                    && let Some(precision) = data_type.length.take()
                    && precision > FLOAT_PRECISION_MAX
                {
                    data_type.kind = D::Double;
                }
            }
            D::Decimal => self.precision(data_type, false)?,
            _ => data_type.length = self.optional_length()?,
        }
        loop {
            match self.keyword() {
                Some(K::Unsigned) => data_type.unsigned = true,
                Some(K::Signed) => {}
                Some(K::Zerofill) => {
                    data_type.zerofill = true;
                    data_type.unsigned = true;
                }
                _ => return Ok(true),
            }
            self.advance();
        }
    }

    /// `(p)` or `(p, s)`; with `both` only the latter.
    fn precision(&mut self, data_type: &mut DataType, both: bool) -> Parsed<()> {
        if !self.accept(TokenKind::OpenParen) {
            return Ok(());
        }
        data_type.length = Some(self.integer()?);
        if both || self.at(TokenKind::Comma) {
            self.expect(TokenKind::Comma)?;
            data_type.decimals = Some(self.integer()?);
        }
        self.expect(TokenKind::CloseParen)?;
        Ok(())
    }

    fn text_type(&mut self, keyword: K, data_type: &mut DataType) -> Parsed<bool> {
        match keyword {
            K::Char | K::Character => {
                self.advance();
                let varying = self.accept_keyword(K::Varying);
                self.char_type(data_type, varying)?;
            }
            K::Varchar | K::Varcharacter => {
                self.advance();
                self.char_type(data_type, true)?;
            }
            K::Nchar | K::Nvarchar | K::National => self.national_type(keyword, data_type)?,
            K::Tinytext | K::Text | K::Mediumtext | K::Longtext => {
                self.advance();
                data_type.kind = match keyword {
                    K::Tinytext => D::TinyText,
                    K::Text => D::Text,
                    K::Mediumtext => D::MediumText,
                    _ => D::LongText,
                };
                if keyword == K::Text {
                    data_type.length = self.optional_length()?;
                }
                self.type_charset(data_type)?;
            }
            K::Long => self.long_type(data_type)?,
            K::Enum | K::Set => {
                self.advance();
                data_type.kind = if keyword == K::Enum { D::Enum } else { D::Set };
                data_type.elements = self.parenthesized(Self::element)?;
                self.type_charset(data_type)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `CHAR[(n)]` or `VARCHAR(n)` from the length on.
    fn char_type(&mut self, data_type: &mut DataType, varying: bool) -> Parsed<()> {
        data_type.kind = if varying { D::VarChar } else { D::Char };
        if varying && !self.at(TokenKind::OpenParen) {
            return self.unexpected();
        }
        data_type.length = self.optional_length()?;
        self.type_charset(data_type)
    }

    /// NCHAR, NVARCHAR, `NATIONAL CHAR [VARYING]`, `NATIONAL VARCHAR`, `NCHAR VARCHAR`, ...
    fn national_type(&mut self, keyword: K, data_type: &mut DataType) -> Parsed<()> {
        let span = self.advance().span();
        let varying = match keyword {
            K::Nvarchar => true,
            K::National if self.accept_keyword(K::Varchar) || self.accept_keyword(K::Varcharacter) => true,
            K::National => {
                if !self.accept_keyword(K::Char) {
                    self.expect_keyword(K::Character)?;
                }
                self.accept_keyword(K::Varying)
            }
            _ => self.accept_keyword(K::Varying) || self.accept_keyword(K::Varchar),
        };
        data_type.kind = if varying { D::VarChar } else { D::Char };
        if varying && !self.at(TokenKind::OpenParen) {
            return self.unexpected();
        }
        data_type.length = self.optional_length()?;
        data_type.charset = Some(Ident { span, ..Ident::new("utf8mb3") });
        data_type.binary_collation = self.accept_keyword(K::Binary);
        Ok(())
    }

    /// LONG, `LONG VARCHAR`, `LONG VARBINARY`, `LONG CHAR VARYING`
    fn long_type(&mut self, data_type: &mut DataType) -> Parsed<()> {
        self.advance();
        data_type.kind = D::MediumText;
        if self.accept_keyword(K::Varbinary) {
            data_type.kind = D::MediumBlob;
            return Ok(());
        }
        if self.accept_keyword(K::Char) || self.accept_keyword(K::Character) {
            self.expect_keyword(K::Varying)?;
        } else if !self.accept_keyword(K::Varchar) {
            self.accept_keyword(K::Varcharacter);
        }
        self.type_charset(data_type)
    }

    /// Charset attributes; `BYTE` and `CHARACTER SET binary` stay a charset here but for plain CHAR BYTE.
    fn type_charset(&mut self, data_type: &mut DataType) -> Parsed<()> {
        let byte = self.at_keyword(K::Byte);
        let (charset, binary) = self.charset_attribute()?;
        data_type.charset = charset;
        data_type.binary_collation = binary;
        if byte {
            data_type.charset = None;
            data_type.kind = match data_type.kind {
                D::Char => D::Binary,
                D::VarChar => D::VarBinary,
                D::TinyText => D::TinyBlob,
                D::Text => D::Blob,
                D::MediumText => D::MediumBlob,
                D::LongText => D::LongBlob,
                kind => kind,
            };
        }
        Ok(())
    }

    /// A member of ENUM or SET: a string, or its bytes in hexadecimal or bits.
    fn element(&mut self) -> Parsed<Box<[u8]>> {
        self.text_string()
    }

    fn other_type(&mut self, keyword: K, data_type: &mut DataType) -> Parsed<bool> {
        let kind = match keyword {
            K::Bit => D::Bit,
            K::Bool | K::Boolean => D::TinyInt,
            K::Binary => D::Binary,
            K::Varbinary => D::VarBinary,
            K::Year => D::Year,
            K::Date => D::Date,
            K::Time => D::Time,
            K::Datetime => D::Datetime,
            K::Timestamp => D::Timestamp,
            K::Tinyblob => D::TinyBlob,
            K::Blob => D::Blob,
            K::Mediumblob => D::MediumBlob,
            K::Longblob => D::LongBlob,
            K::Json => D::Json,
            K::Vector => D::Vector,
            K::Serial => D::BigInt,
            _ => match geometry_kind(keyword) {
                Some(kind) => kind,
                None => return Ok(false),
            },
        };
        self.advance();
        data_type.kind = kind;
        match keyword {
            K::Bool | K::Boolean => data_type.length = Some(1),
            K::Serial => data_type.unsigned = true,
            K::Varbinary if !self.at(TokenKind::OpenParen) => return self.unexpected(),
            K::Bit
            | K::Binary
            | K::Varbinary
            | K::Year
            | K::Time
            | K::Datetime
            | K::Timestamp
            | K::Blob
            | K::Vector => {
                data_type.length = self.optional_length()?;
            }
            _ => {}
        }
        if kind == D::Year {
            while matches!(self.keyword(), Some(K::Unsigned | K::Signed | K::Zerofill)) {
                self.advance();
            }
        }
        Ok(true)
    }
}

fn new_type(kind: D) -> DataType {
    DataType {
        kind,
        length: None,
        decimals: None,
        unsigned: false,
        zerofill: false,
        charset: None,
        collation: None,
        binary_collation: false,
        elements: Vec::new(),
        span: Default::default(),
    }
}
