//! OVER, window specifications and frames.

use super::{Parsed, Parser};
use crate::ast::{
    Expr, ExprKind, FrameBound, FrameExclusion, FrameOffset, FrameUnit, NamedWindow, Over, WindowCall,
    WindowFrame, WindowFunction, WindowSpec,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// A pure window function; OVER is not optional.
    pub(super) fn window_call(&mut self, function: WindowFunction) -> Parsed<Expr> {
        use WindowFunction as W;
        let start = self.advance().start;
        self.expect(TokenKind::OpenParen)?;
        let arity = match function {
            W::RowNumber | W::Rank | W::DenseRank | W::PercentRank | W::CumeDist => 0..=0,
            W::Ntile | W::FirstValue | W::LastValue => 1..=1,
            W::NthValue => 2..=2,
            W::Lead | W::Lag => 1..=3,
        };
        let args =
            if self.at(TokenKind::CloseParen) { Vec::new() } else { self.comma_separated(Self::expr)? };
        if !arity.contains(&args.len()) {
            return self.unexpected();
        }
        self.expect(TokenKind::CloseParen)?;
        let from_last = function == W::NthValue && self.counts_from_last()?;
        let nulls_clause = matches!(function, W::Lead | W::Lag | W::FirstValue | W::LastValue | W::NthValue);
        let ignore_nulls = nulls_clause && self.ignore_nulls()?;
        let Some(over) = self.optional_over()? else {
            return self.unexpected();
        };
        let call = WindowCall { function, args, from_last, ignore_nulls, over };
        Ok(Expr::new(ExprKind::Window(Box::new(call)), self.span_from(start)))
    }

    fn counts_from_last(&mut self) -> Parsed<bool> {
        if self.accept_keywords(K::From, K::Last) {
            return Ok(true);
        }
        if self.accept_keyword(K::From) {
            self.expect_keyword(K::First)?;
        }
        Ok(false)
    }

    fn ignore_nulls(&mut self) -> Parsed<bool> {
        if self.accept_keywords(K::Ignore, K::Nulls) {
            return Ok(true);
        }
        if self.accept_keyword(K::Respect) {
            self.expect_keyword(K::Nulls)?;
        }
        Ok(false)
    }

    /// `OVER name` and `OVER (...)`
    pub(super) fn optional_over(&mut self) -> Parsed<Option<Over>> {
        if !self.accept_keyword(K::Over) {
            return Ok(None);
        }
        if self.at(TokenKind::OpenParen) {
            return Ok(Some(Over::Spec(Box::new(self.window_spec()?))));
        }
        Ok(Some(Over::Name(self.ident()?)))
    }

    /// `name AS (...)` of the WINDOW clause.
    pub(in crate::parser) fn named_window(&mut self) -> Parsed<NamedWindow> {
        let name = self.ident()?;
        self.expect_keyword(K::As)?;
        Ok(NamedWindow { name, spec: self.window_spec()? })
    }

    fn window_spec(&mut self) -> Parsed<WindowSpec> {
        self.expect(TokenKind::OpenParen)?;
        let mut spec = WindowSpec::default();
        if self.at_ident() {
            spec.base = Some(self.ident()?);
        }
        if self.accept_keyword(K::Partition) {
            self.expect_keyword(K::By)?;
            // The grammar has a group list here, which may carry directions; they mean nothing.
            spec.partition_by = self.comma_separated(|parser| parser.order_item().map(|item| item.expr))?;
        }
        if self.accept_keyword(K::Order) {
            self.expect_keyword(K::By)?;
            spec.order_by = self.comma_separated(Self::order_item)?;
        }
        let unit = match self.keyword() {
            Some(K::Rows) => Some(FrameUnit::Rows),
            Some(K::Range) => Some(FrameUnit::Range),
            Some(K::Groups) => Some(FrameUnit::Groups),
            _ => None,
        };
        if let Some(unit) = unit {
            self.advance();
            spec.frame = Some(self.window_frame(unit)?);
        }
        self.expect(TokenKind::CloseParen)?;
        Ok(spec)
    }

    fn window_frame(&mut self, unit: FrameUnit) -> Parsed<WindowFrame> {
        let (start, end) = if self.accept_keyword(K::Between) {
            let start = self.frame_bound()?;
            self.expect_keyword(K::And)?;
            (start, self.frame_bound()?)
        } else {
            let start = self.frame_bound()?;
            if matches!(start, FrameBound::Following(_) | FrameBound::UnboundedFollowing) {
                return self.unexpected();
            }
            (start, FrameBound::CurrentRow)
        };
        let exclusion = if self.accept_keyword(K::Exclude) { Some(self.frame_exclusion()?) } else { None };
        Ok(WindowFrame { unit, start, end, exclusion })
    }

    fn frame_bound(&mut self) -> Parsed<FrameBound> {
        if self.accept_keyword(K::Current) {
            self.expect_keyword(K::Row)?;
            return Ok(FrameBound::CurrentRow);
        }
        if self.accept_keyword(K::Unbounded) {
            if self.accept_keyword(K::Following) {
                return Ok(FrameBound::UnboundedFollowing);
            }
            self.expect_keyword(K::Preceding)?;
            return Ok(FrameBound::UnboundedPreceding);
        }
        let interval = self.accept_keyword(K::Interval);
        let amount = self.expr()?;
        let unit = if interval { Some(self.interval_unit()?) } else { None };
        let offset = FrameOffset { amount, unit };
        if self.accept_keyword(K::Following) {
            return Ok(FrameBound::Following(offset));
        }
        self.expect_keyword(K::Preceding)?;
        Ok(FrameBound::Preceding(offset))
    }

    fn frame_exclusion(&mut self) -> Parsed<FrameExclusion> {
        let exclusion = match self.keyword() {
            Some(K::Current) => {
                self.advance();
                self.expect_keyword(K::Row)?;
                return Ok(FrameExclusion::CurrentRow);
            }
            Some(K::No) => {
                self.advance();
                self.expect_keyword(K::Others)?;
                return Ok(FrameExclusion::NoOthers);
            }
            Some(K::Group) => FrameExclusion::Group,
            Some(K::Ties) => FrameExclusion::Ties,
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(exclusion)
    }
}
