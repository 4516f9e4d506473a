//! The rows of INSERT ... VALUES, a batch at a time.

use super::{Parsed, Parser};
use crate::ast::{BatchRows, Expr, ExprKind, ValueBatch, ValueList, ValueLists};
use crate::error::ParseError;
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::ParseOptions;

/// A batch ends with the row that makes it so long.
const BATCH_ROWS: usize = 1024;
const BATCH_TEXT_BYTES: u32 = 128 << 10;

/// Reads the rows of a batch again. They have been read before, so that only another text or another `sql_mode` can make
/// this fail.
pub(crate) fn value_rows(
    text: &[u8],
    options: &ParseOptions,
    at: u32,
    placeholders: u32,
    count: usize,
) -> Result<Vec<ValueList>, ParseError> {
    let mut parser = Parser::starting_at(text, options, at as usize);
    parser.parameter_count = placeholders;
    parser.value_lists_of(count).map_err(|error| *error)
}

impl Parser<'_> {
    pub(super) fn value_lists(&mut self) -> Parsed<ValueLists> {
        let (first, mut next) = self.value_batch()?;
        let mut batches = vec![first];
        while let Some(readable) = next {
            let (at, placeholders, tokens) = (self.token.start, self.parameter_count, self.tokens);
            let (mut batch, following) = self.value_batch()?;
            if readable && !self.is_too_large() {
                batch.rows = BatchRows::InText { at, placeholders };
                // Its tree is gone.
                self.tokens = tokens;
            }
            batches.push(batch);
            next = following;
        }
        Ok(ValueLists { batches, options: *self.options })
    }

    /// Rows until there are enough for a batch. If more follow, whether they can be read again from there: not in the
    /// middle of a comment of some version.
    fn value_batch(&mut self) -> Parsed<(ValueBatch, Option<bool>)> {
        let at = self.token.start;
        let mut rows: Vec<ValueList> = Vec::new();
        loop {
            // Rows of one statement are alike: the last one's length is the best guess for the next.
            rows.push(self.value_list(rows.last().map_or(0, Vec::len))?);
            let readable = !self.lexer.is_in_version_comment();
            let more = self.accept(TokenKind::Comma).then_some(readable);
            let is_full = rows.len() >= BATCH_ROWS || self.previous_end - at >= BATCH_TEXT_BYTES;
            if more.is_none() || is_full {
                return Ok((ValueBatch::kept(rows), more));
            }
        }
    }

    fn value_lists_of(&mut self, count: usize) -> Parsed<Vec<ValueList>> {
        let mut rows: Vec<ValueList> = Vec::with_capacity(count);
        while rows.len() < count {
            if !rows.is_empty() {
                self.expect(TokenKind::Comma)?;
            }
            rows.push(self.value_list(rows.last().map_or(0, Vec::len))?);
        }
        Ok(rows)
    }

    fn value_list(&mut self, width: usize) -> Parsed<ValueList> {
        self.expect(TokenKind::OpenParen)?;
        let mut row = Vec::with_capacity(width);
        if !self.accept(TokenKind::CloseParen) {
            loop {
                row.push(self.value()?);
                if !self.accept(TokenKind::Comma) {
                    break;
                }
            }
            self.expect(TokenKind::CloseParen)?;
        }
        Ok(row)
    }

    /// An expression or bare DEFAULT. A lone literal, by far the most frequent value, takes a short way.
    pub(super) fn value(&mut self) -> Parsed<Expr> {
        if matches!(self.next.kind, TokenKind::Comma | TokenKind::CloseParen) {
            if self.at_keyword(K::Default) {
                let span = self.advance().span();
                return Ok(Expr::new(ExprKind::Default, span));
            }
            if let Some(literal) = self.literal()? {
                return Ok(literal);
            }
        }
        self.value_expr()
    }
}

impl ValueBatch {
    pub(super) fn kept(rows: Vec<ValueList>) -> ValueBatch {
        let first = rows.first().map(Vec::len);
        let width = first.filter(|first| rows.iter().all(|row| row.len() == *first));
        let plain = rows.iter().flatten().all(is_plain);
        ValueBatch { count: rows.len(), rows: BatchRows::Kept(rows), width, plain }
    }
}

fn is_plain(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Literal(_) | ExprKind::Placeholder(_) | ExprKind::Default)
}
