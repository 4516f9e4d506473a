//! Streaming one result set.

use crate::column::Column;
use crate::error::Result;
use crate::reply::{CursorState, Reply};
use crate::row::{Row, RowFormat};
use crate::status::ServerStatus;

/// An open result set. Rows are buffered by [`Rows::row`] and sent by [`Rows::flush_if_full`], which the producer calls
/// between rows; that is where a slow client holds it back.
pub struct Rows<'r, 'c> {
    reply: &'r mut Reply<'c>,
    columns: &'r [Column],
}

impl<'r, 'c> Rows<'r, 'c> {
    pub(super) fn new(reply: &'r mut Reply<'c>, columns: &'r [Column]) -> Self {
        Self { reply, columns }
    }

    pub fn format(&self) -> RowFormat {
        self.reply.format
    }

    /// Writes one row; when `fill` fails nothing of it is sent.
    pub fn row(&mut self, fill: impl FnOnce(&mut Row<'_>) -> Result<()>) -> Result<()> {
        let (columns, format) = (self.columns, self.reply.format);
        self.reply.channel.try_packet(|out| {
            let mut row = Row::start(out, columns, format);
            fill(&mut row)?;
            row.finish()
        })
    }

    /// Whether [`Rows::flush_if_full`] would send.
    pub fn is_full(&self) -> bool {
        self.reply.channel.is_full()
    }

    pub async fn flush_if_full(&mut self) -> Result<()> {
        self.reply.channel.flush_if_full().await
    }

    /// Waits for the producer's next piece, watching the client; see [`Reply::watch`].
    pub async fn watch<F: Future>(&mut self, work: F, on_hangup: impl FnOnce() + Send) -> F::Output {
        self.reply.watch(work, on_hangup).await
    }

    /// The last row was written.
    pub fn finish(self, status: ServerStatus, warnings: u16) -> Result<()> {
        let reply = self.reply;
        let status = reply.status(status);
        reply.end_of_rows(status, warnings);
        reply.complete = !reply.more_results;
        Result::Ok(())
    }

    /// The rows of one fetch were written. `at_end` when the fetch asked for a row behind the last one: as in MySQL, a
    /// fetch of exactly what is left does not know that yet.
    pub fn finish_fetch(self, status: ServerStatus, at_end: bool) -> Result<()> {
        let reply = self.reply;
        let (flag, state) = if at_end {
            (ServerStatus::LAST_ROW_SENT, CursorState::AtEnd)
        } else {
            (ServerStatus::CURSOR_EXISTS, CursorState::Open)
        };
        reply.end_of_rows(status.with(flag, true), 0);
        reply.cursor = Some(state);
        reply.complete = true;
        Result::Ok(())
    }
}
