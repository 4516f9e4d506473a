//! CAST, CONVERT and the types they may name.

use super::{Parsed, Parser};
use crate::ast::{Cast, CastType, DataTypeKind, Expr, ExprKind, Ident};
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::SqlMode;

impl Parser<'_> {
    /// `operand [AT TIME ZONE [INTERVAL] 'zone'] AS type [ARRAY]`
    pub(super) fn cast_arguments(&mut self) -> Parsed<ExprKind> {
        let operand = self.expr()?;
        self.cast_target(operand)
    }

    fn cast_target(&mut self, operand: Expr) -> Parsed<ExprKind> {
        let time_zone = if self.accept_keyword(K::At) {
            self.expect_keywords(&[K::Time, K::Zone])?;
            self.accept_keyword(K::Interval);
            Some(self.string_bytes()?)
        } else {
            None
        };
        self.expect_keyword(K::As)?;
        let target = self.cast_type()?;
        let array = self.accept_keyword(K::Array);
        Ok(ExprKind::Cast(Box::new(Cast { operand, target, array, time_zone })))
    }

    /// `CONVERT(a USING charset)` and `CONVERT(a, type)`
    pub(super) fn convert(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        self.expect(TokenKind::OpenParen)?;
        let operand = self.expr()?;
        let kind = if self.accept_keyword(K::Using) {
            let charset = self.charset_name()?;
            ExprKind::ConvertUsing { operand: Box::new(operand), charset: Box::new(charset) }
        } else {
            self.expect(TokenKind::Comma)?;
            let target = self.cast_type()?;
            ExprKind::Cast(Box::new(Cast { operand, target, array: false, time_zone: None }))
        };
        self.expect(TokenKind::CloseParen)?;
        Ok(Expr::new(kind, self.span_from(start)))
    }

    pub(in crate::parser) fn cast_type(&mut self) -> Parsed<CastType> {
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        if let Some(kind) = geometry_kind(keyword) {
            self.advance();
            return Ok(CastType::Geometry(kind));
        }
        let mark = self.mark();
        self.advance();
        Ok(match keyword {
            K::Signed | K::Unsigned => {
                if !self.accept_keyword(K::Int) {
                    self.accept_keyword(K::Integer);
                }
                if keyword == K::Signed { CastType::Signed } else { CastType::Unsigned }
            }
            K::Binary => CastType::Binary { length: self.optional_length()? },
            K::Char | K::Character => {
                let length = self.optional_length()?;
                let (charset, binary_collation) = self.charset_attribute()?;
                CastType::Char { length, charset, binary_collation }
            }
            K::Nchar => CastType::NChar { length: self.optional_length()? },
            K::National => {
                self.expect_keyword(K::Char)?;
                CastType::NChar { length: self.optional_length()? }
            }
            K::Date => CastType::Date,
            K::Time => CastType::Time { fsp: self.optional_length()? },
            K::Datetime => CastType::Datetime { fsp: self.optional_length()? },
            K::Year => CastType::Year,
            K::Decimal | K::Dec => self.decimal_cast()?,
            K::Float => CastType::Float { precision: self.optional_length()? },
            K::Double => {
                self.accept_keyword(K::Precision);
                CastType::Double
            }
            K::Real if self.mode(SqlMode::REAL_AS_FLOAT) => CastType::Float { precision: None },
            K::Real => CastType::Double,
            K::Json => CastType::Json,
            K::Vector => CastType::Vector { length: self.optional_length()? },
            _ => {
                self.reset(mark);
                return self.unexpected();
            }
        })
    }

    fn decimal_cast(&mut self) -> Parsed<CastType> {
        if !self.accept(TokenKind::OpenParen) {
            return Ok(CastType::Decimal { precision: None, scale: None });
        }
        let precision = Some(self.integer()?);
        let scale = if self.accept(TokenKind::Comma) { Some(self.integer()?) } else { None };
        self.expect(TokenKind::CloseParen)?;
        Ok(CastType::Decimal { precision, scale })
    }

    /// `(n)`, if it is there.
    pub(in crate::parser) fn optional_length(&mut self) -> Parsed<Option<u64>> {
        if !self.accept(TokenKind::OpenParen) {
            return Ok(None);
        }
        let length = self.integer()?;
        self.expect(TokenKind::CloseParen)?;
        Ok(Some(length))
    }

    /// `CHARACTER SET x`, `CHARSET x`, `ASCII`, `UNICODE`, `BYTE`, each with BINARY before or behind; or BINARY alone.
    pub(in crate::parser) fn charset_attribute(&mut self) -> Parsed<(Option<Ident>, bool)> {
        let mut binary = self.accept_keyword(K::Binary);
        let token = self.token;
        let charset = if self.accept_charset_words() {
            Some(self.charset_name()?)
        } else if self.accept_keyword(K::Ascii) {
            Some(Ident { span: token.span(), ..Ident::new("latin1") })
        } else if self.accept_keyword(K::Unicode) {
            Some(Ident { span: token.span(), ..Ident::new("ucs2") })
        } else if self.accept_keyword(K::Byte) {
            Some(Ident { span: token.span(), ..Ident::new("binary") })
        } else {
            None
        };
        if charset.is_some() && !binary {
            binary = self.accept_keyword(K::Binary);
        }
        Ok((charset, binary))
    }

    /// `CHARACTER SET` or `CHARSET` (also `CHAR SET`)
    pub(in crate::parser) fn accept_charset_words(&mut self) -> bool {
        self.accept_keyword(K::Charset)
            || self.accept_keywords(K::Character, K::Set)
            || self.accept_keywords(K::Char, K::Set)
    }
}

pub(in crate::parser) fn geometry_kind(keyword: K) -> Option<DataTypeKind> {
    Some(match keyword {
        K::Geometry => DataTypeKind::Geometry,
        K::Point => DataTypeKind::Point,
        K::Linestring => DataTypeKind::LineString,
        K::Polygon => DataTypeKind::Polygon,
        K::Multipoint => DataTypeKind::MultiPoint,
        K::Multilinestring => DataTypeKind::MultiLineString,
        K::Multipolygon => DataTypeKind::MultiPolygon,
        K::Geometrycollection | K::Geomcollection => DataTypeKind::GeometryCollection,
        _ => return None,
    })
}
