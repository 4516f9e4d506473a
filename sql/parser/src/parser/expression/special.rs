//! Functions with words between their arguments.

use super::call::Special;
use super::{Parsed, Parser};
use crate::ast::{
    Call, CharCall, DateArithmetic, Expr, ExprKind, FormatKind, GetFormat, Ident, IntervalUnit, JsonReaction,
    JsonValue, MatchAgainst, MatchMode, TimestampCall, Trim, TrimSide, WeightString, WeightStringCast,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// From the parenthesis on; the name has been consumed.
    pub(super) fn special(&mut self, special: Special, name: Ident) -> Parsed<ExprKind> {
        self.expect(TokenKind::OpenParen)?;
        let kind = match special {
            Special::Cast => self.cast_arguments()?,
            Special::Char => self.char_arguments()?,
            Special::DateShift { subtract, days_allowed } => self.date_shift(name, subtract, days_allowed)?,
            Special::Extract => {
                let unit = self.interval_unit()?;
                self.expect_keyword(K::From)?;
                ExprKind::Extract { unit, operand: self.boxed_expr()? }
            }
            Special::GetFormat => self.get_format()?,
            Special::JsonValue => self.json_value()?,
            Special::Position => self.position()?,
            Special::Substring => self.substring(name)?,
            Special::TimestampAdd => ExprKind::TimestampAdd(Box::new(self.timestamp_arguments()?)),
            Special::TimestampDiff => ExprKind::TimestampDiff(Box::new(self.timestamp_arguments()?)),
            Special::Trim => self.trim()?,
            Special::WeightString => self.weight_string()?,
        };
        self.expect(TokenKind::CloseParen)?;
        Ok(kind)
    }

    pub(super) fn interval_unit(&mut self) -> Parsed<IntervalUnit> {
        let unit = match self.token.kind {
            TokenKind::Ident | TokenKind::Keyword(_) => {
                std::str::from_utf8(self.slice(self.token)).ok().and_then(IntervalUnit::from_name)
            }
            _ => None,
        };
        match unit {
            Some(unit) => {
                self.advance();
                Ok(unit)
            }
            None => self.unexpected(),
        }
    }

    /// `date, INTERVAL n unit`, or `date, days` for ADDDATE and SUBDATE.
    fn date_shift(&mut self, name: Ident, subtract: bool, days_allowed: bool) -> Parsed<ExprKind> {
        let operand = self.expr()?;
        self.expect(TokenKind::Comma)?;
        let interval = self.at_keyword(K::Interval) && !self.interval_function_follows();
        if !interval && days_allowed {
            let args = vec![operand, self.expr()?];
            return Ok(ExprKind::Call(Box::new(Call { schema: None, name, args })));
        }
        self.expect_keyword(K::Interval)?;
        let amount = self.expr()?;
        let unit = self.interval_unit()?;
        Ok(ExprKind::DateArithmetic(Box::new(DateArithmetic { operand, amount, unit, subtract })))
    }

    fn timestamp_arguments(&mut self) -> Parsed<TimestampCall> {
        let unit = self.interval_unit()?;
        if unit.is_compound() {
            return self.unexpected();
        }
        self.expect(TokenKind::Comma)?;
        let first = self.expr()?;
        self.expect(TokenKind::Comma)?;
        Ok(TimestampCall { unit, first, second: self.expr()? })
    }

    fn get_format(&mut self) -> Parsed<ExprKind> {
        let kind = match self.keyword() {
            Some(K::Date) => FormatKind::Date,
            Some(K::Time) => FormatKind::Time,
            Some(K::Datetime | K::Timestamp) => FormatKind::Datetime,
            _ => return self.unexpected(),
        };
        self.advance();
        self.expect(TokenKind::Comma)?;
        Ok(ExprKind::GetFormat(Box::new(GetFormat { kind, standard: self.expr()? })))
    }

    /// `a IN b` is `LOCATE(a, b)`; the left operand is arithmetic, for `IN` not to be taken as a predicate.
    fn position(&mut self) -> Parsed<ExprKind> {
        let what = self.arithmetic(0)?;
        let name = Ident { span: self.token.span(), ..Ident::new("LOCATE") };
        self.expect_keyword(K::In)?;
        let args = vec![what, self.expr()?];
        Ok(ExprKind::Call(Box::new(Call { schema: None, name, args })))
    }

    /// `a, b[, c]` or `a FROM b [FOR c]`
    fn substring(&mut self, name: Ident) -> Parsed<ExprKind> {
        let mut args = vec![self.expr()?];
        if self.accept_keyword(K::From) {
            args.push(self.expr()?);
            if self.accept_keyword(K::For) {
                args.push(self.expr()?);
            }
        } else {
            self.expect(TokenKind::Comma)?;
            args.push(self.expr()?);
            if self.accept(TokenKind::Comma) {
                args.push(self.expr()?);
            }
        }
        Ok(ExprKind::Call(Box::new(Call { schema: None, name, args })))
    }

    fn trim(&mut self) -> Parsed<ExprKind> {
        let side = match self.keyword() {
            Some(K::Both) => Some(TrimSide::Both),
            Some(K::Leading) => Some(TrimSide::Leading),
            Some(K::Trailing) => Some(TrimSide::Trailing),
            _ => None,
        };
        if side.is_some() {
            self.advance();
        }
        let what = if side.is_some() && self.at_keyword(K::From) { None } else { Some(self.expr()?) };
        let from = self.accept_keyword(K::From);
        let trim = match (side, from, what) {
            (side, true, what) => Trim { side: side.unwrap_or(TrimSide::Both), what, operand: self.expr()? },
            (None, false, Some(operand)) => Trim { side: TrimSide::Both, what: None, operand },
            _ => return self.unexpected(),
        };
        Ok(ExprKind::Trim(Box::new(trim)))
    }

    fn char_arguments(&mut self) -> Parsed<ExprKind> {
        let args = self.comma_separated(Self::expr)?;
        let charset = if self.accept_keyword(K::Using) { Some(self.charset_name()?) } else { None };
        Ok(ExprKind::Char(Box::new(CharCall { args, charset })))
    }

    fn weight_string(&mut self) -> Parsed<ExprKind> {
        let operand = self.expr()?;
        let cast = if self.accept_keyword(K::As) {
            let binary = self.accept_keyword(K::Binary);
            if !binary {
                self.expect_keyword(K::Char)?;
            }
            self.expect(TokenKind::OpenParen)?;
            let length = u32::try_from(self.integer()?).unwrap_or(u32::MAX);
            self.expect(TokenKind::CloseParen)?;
            Some(WeightStringCast { binary, length })
        } else {
            None
        };
        Ok(ExprKind::WeightString(Box::new(WeightString { operand, cast })))
    }

    fn json_value(&mut self) -> Parsed<ExprKind> {
        let document = self.expr()?;
        self.expect(TokenKind::Comma)?;
        if !matches!(self.token.kind, TokenKind::String | TokenKind::National | TokenKind::Introducer) {
            return self.unexpected();
        }
        let Some(path) = self.literal()? else {
            return self.unexpected();
        };
        let returning = if self.accept_keyword(K::Returning) { Some(self.cast_type()?) } else { None };
        let (on_empty, on_error) = self.json_reactions()?;
        Ok(ExprKind::JsonValue(Box::new(JsonValue { document, path, returning, on_empty, on_error })))
    }

    /// `[reaction ON EMPTY] [reaction ON ERROR]`
    pub(in crate::parser) fn json_reactions(
        &mut self,
    ) -> Parsed<(Option<JsonReaction>, Option<JsonReaction>)> {
        let mut on_empty = None;
        let mut on_error = None;
        while on_error.is_none() {
            let reaction = match self.keyword() {
                Some(K::Error) => JsonReaction::Error,
                Some(K::Null) => JsonReaction::Null,
                Some(K::Default) => {
                    self.advance();
                    let value = self.arithmetic(0)?;
                    let on_empty_follows = on_empty.is_none() && self.next_is(K::Empty);
                    self.json_event(
                        JsonReaction::Default(value),
                        on_empty_follows,
                        &mut on_empty,
                        &mut on_error,
                    )?;
                    continue;
                }
                _ => break,
            };
            self.advance();
            let on_empty_follows = on_empty.is_none() && self.next_is(K::Empty);
            self.json_event(reaction, on_empty_follows, &mut on_empty, &mut on_error)?;
        }
        Ok((on_empty, on_error))
    }

    fn json_event(
        &mut self,
        reaction: JsonReaction,
        empty: bool,
        on_empty: &mut Option<JsonReaction>,
        on_error: &mut Option<JsonReaction>,
    ) -> Parsed<()> {
        self.expect_keyword(K::On)?;
        if empty {
            self.expect_keyword(K::Empty)?;
            *on_empty = Some(reaction);
        } else {
            self.expect_keyword(K::Error)?;
            *on_error = Some(reaction);
        }
        Ok(())
    }

    /// `MATCH (a, b) AGAINST (expr [mode])`; the parentheses of the columns may be missing.
    pub(super) fn match_against(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        let parenthesized = self.accept(TokenKind::OpenParen);
        let columns = self.comma_separated(Self::column_ref)?;
        if parenthesized {
            self.expect(TokenKind::CloseParen)?;
        }
        self.expect_keyword(K::Against)?;
        self.expect(TokenKind::OpenParen)?;
        let against = self.arithmetic(0)?;
        let mode = self.match_mode()?;
        self.expect(TokenKind::CloseParen)?;
        let kind = ExprKind::Match(Box::new(MatchAgainst { columns, against, mode }));
        Ok(Expr::new(kind, self.span_from(start)))
    }

    fn match_mode(&mut self) -> Parsed<MatchMode> {
        if self.accept_keywords(K::In, K::Boolean) {
            self.expect_keyword(K::Mode)?;
            return Ok(MatchMode::Boolean);
        }
        if self.accept_keyword(K::In) {
            self.expect_keywords(&[K::Natural, K::Language, K::Mode])?;
        }
        if self.accept_keyword(K::With) {
            self.expect_keywords(&[K::Query, K::Expansion])?;
            return Ok(MatchMode::NaturalLanguageWithExpansion);
        }
        Ok(MatchMode::NaturalLanguage)
    }
}
