//! Answering a command.
//!
//! A [`Reply`] is lent to the handler for one command. It sends, in any number, result sets ([`Reply::rows`]) and OK
//! packets ([`Reply::ok`]), each but the last announced by [`Reply::set_more_results`]; a failure is the handler's `Err`.
//! Output collects in the connection's buffer and reaches the socket when the buffer is full or the command is done, so
//! a slow reader slows the handler down instead of filling memory.

mod infile;
mod packets;
mod rows;

use std::future::Future;

pub use infile::Infile;
pub use packets::{Ok, SessionChange};
pub use rows::Rows;

pub(crate) use packets::{encode_eof, encode_error, encode_ok};

use crate::capability::Capabilities;
use crate::column::Column;
use crate::error::{Error, ErrorPacket, Result};
use crate::packet::{Channel, put};
use crate::row::RowFormat;
use crate::status::ServerStatus;

/// Columns a result set may have; the count field of a prepared statement is 16 bits wide, MySQL's own limit is lower.
const COLUMNS_MAX: usize = 65_535;

/// What a reply said of its statement's cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorState {
    Open,
    /// A fetch went past the last row, which closes it.
    AtEnd,
}

/// The way back to the client for one command.
pub struct Reply<'c> {
    channel: &'c mut Channel,
    capabilities: Capabilities,
    format: RowFormat,
    more_results: bool,
    /// Whether the client asked to fetch the rows in pieces.
    wants_cursor: bool,
    cursor: Option<CursorState>,
    /// Whether a final packet of the last result is written: exactly one must close every reply.
    complete: bool,
}

impl<'c> Reply<'c> {
    pub(crate) fn new(channel: &'c mut Channel, capabilities: Capabilities, format: RowFormat) -> Self {
        Self {
            channel,
            capabilities,
            format,
            more_results: false,
            wants_cursor: false,
            cursor: None,
            complete: false,
        }
    }

    /// For an execution with CURSOR_TYPE_READ_ONLY.
    pub(crate) fn for_cursor(mut self, wanted: bool) -> Self {
        self.wants_cursor = wanted;
        self
    }

    pub(crate) fn cursor(&self) -> Option<CursorState> {
        self.cursor
    }

    /// Whether the client would rather fetch the rows in pieces; the handler may send them at once all the same.
    pub fn wants_cursor(&self) -> bool {
        self.wants_cursor
    }

    /// Whether nothing more is owed to the client.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Whether the client may send several statements in one query (CLIENT_MULTI_STATEMENTS, COM_SET_OPTION).
    pub fn allows_multi_statements(&self) -> bool {
        self.capabilities.contains(Capabilities::MULTI_STATEMENTS)
    }

    /// Announces, in the packet that ends the result written next, that another one follows.
    pub fn set_more_results(&mut self, more: bool) {
        self.more_results = more;
    }

    fn status(&self, status: ServerStatus) -> ServerStatus {
        status.with(ServerStatus::MORE_RESULTS_EXISTS, self.more_results)
    }

    fn start_result(&mut self) -> Result<()> {
        if self.complete {
            return Err(Error::Internal("a result after the last one"));
        }
        Ok(())
    }

    /// A statement without rows is done.
    pub fn ok(&mut self, ok: &Ok<'_>) -> Result<()> {
        self.start_result()?;
        let ok = Ok { status: self.status(ok.status), ..*ok };
        let capabilities = self.capabilities;
        self.channel.packet(|out| encode_ok(out, 0x00, &ok, capabilities));
        self.complete = !self.more_results;
        Result::Ok(())
    }

    /// Starts a result set; [`Rows::finish`] ends it.
    pub fn rows<'r>(&'r mut self, columns: &'r [Column], status: ServerStatus) -> Result<Rows<'r, 'c>> {
        self.definitions(columns)?;
        if !self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            let status = self.status(status);
            self.channel.packet(|out| encode_eof(out, status, 0));
        }
        Result::Ok(Rows::new(self, columns))
    }

    fn definitions(&mut self, columns: &[Column]) -> Result<()> {
        self.start_result()?;
        if columns.len() > COLUMNS_MAX || columns.is_empty() {
            return Err(Error::Refused(ErrorPacket::new(1117, "HY000", "Too many columns")));
        }
        self.channel.packet(|out| put::lenenc_int(out, columns.len() as u64));
        for column in columns {
            self.channel.packet(|out| column.encode(out));
        }
        Result::Ok(())
    }

    /// Describes a result whose rows the client will ask for with COM_STMT_FETCH.
    pub fn open_cursor(&mut self, columns: &[Column], status: ServerStatus) -> Result<()> {
        self.definitions(columns)?;
        let status = status.with(ServerStatus::CURSOR_EXISTS, true);
        self.end_of_rows(status, 0);
        self.cursor = Some(CursorState::Open);
        self.complete = true;
        Result::Ok(())
    }

    /// The rows of one COM_STMT_FETCH, without definitions; [`Rows::finish_fetch`] ends them.
    pub fn fetched<'r>(&'r mut self, columns: &'r [Column]) -> Result<Rows<'r, 'c>> {
        self.start_result()?;
        Result::Ok(Rows::new(self, columns))
    }

    /// The packet behind the last row: an OK that stands for an EOF, or an EOF.
    fn end_of_rows(&mut self, status: ServerStatus, warnings: u16) {
        if self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            let ok = Ok { status, warnings, ..Ok::default() };
            let capabilities = self.capabilities;
            self.channel.packet(|out| encode_ok(out, 0xfe, &ok, capabilities));
        } else {
            self.channel.packet(|out| encode_eof(out, status, warnings));
        }
    }

    /// Asks the client for the file of LOAD DATA LOCAL INFILE; its content comes in chunks.
    pub async fn local_infile(&mut self, file_name: &[u8]) -> Result<Infile<'_>> {
        self.start_result()?;
        if !self.capabilities.contains(Capabilities::LOCAL_FILES) {
            let text =
                "Loading local data is disabled; this must be enabled on both the client and server sides";
            return Err(Error::Refused(ErrorPacket::new(3948, "42000", text)));
        }
        self.channel.packet(|out| {
            out.push(0xfb);
            out.extend_from_slice(file_name);
        });
        self.channel.flush().await?;
        Result::Ok(Infile::new(self.channel))
    }

    /// Runs `work` to its end, calling `on_hangup` once if the client goes away meanwhile: the handler uses it to cancel
    /// a statement nobody waits for. The work itself is never dropped half-way.
    pub async fn watch<F: Future>(&mut self, work: F, on_hangup: impl FnOnce() + Send) -> F::Output {
        tokio::pin!(work);
        tokio::select! {
            biased;
            output = &mut work => return output,
            () = self.channel.hangup() => on_hangup(),
        }
        work.await
    }

    /// Sends what is buffered now; for a handler that is about to wait long between results.
    pub async fn flush(&mut self) -> Result<()> {
        self.channel.flush().await
    }
}
