//! Results that a client fetches in pieces: COM_STMT_EXECUTE with a cursor, then COM_STMT_FETCH.
//!
//! The rows stay in the executor until they are fetched, so a result of any size needs the memory of one batch. That
//! works for as long as the connection does nothing else: the next statement ends the session's claim to the tables it
//! reads, so before it runs the rest of the result is taken into memory ([`Cursors::settle`]). What all cursors of a
//! connection hold that way is bounded, and so is, by the memory of the server, what those of all connections do; the one
//! that would go over it fails, and the client learns so at its next fetch.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use rutile_server_wire::{Column, Error, Reply, Result, Rows};
use rutile_sql::SqlError;
use rutile_sql::memory::SessionHeld;
use rutile_sql::session::{ColumnMeta, Instance, ResultSet, Rows as ResultRows, Session};
use rutile_sql_types::{TimeZone, Value};

use crate::connection::client::{self, failed, refused};
use crate::connection::{batch, column, result, value};

/// What the cursors of one connection may hold while it runs other statements.
const HELD_BYTES_MAX: usize = 16 << 20;

type Batches = BoxStream<'static, std::result::Result<RecordBatch, SqlError>>;

/// What an open cursor takes for itself, and for each column of its result.
const CURSOR_BYTES: usize = 256;
const COLUMN_BYTES: usize = size_of::<Column>() + 128;

/// The open cursors of one connection, one per statement.
pub(crate) struct Cursors {
    by_statement: HashMap<u32, Cursor>,
    kept: Kept,
    /// The cursor opened last, unless another statement ran since.
    newest: Option<u32>,
}

/// What all cursors of a connection keep.
struct Kept {
    /// Rows that were taken into memory.
    row_bytes: usize,
    /// What the cursors are themselves.
    own_bytes: usize,
    /// Both, in the account of the server.
    held: SessionHeld,
}

impl Kept {
    /// So many bytes of rows are kept now. Fewer never fail.
    fn set_rows(&mut self, row_bytes: usize) -> std::result::Result<(), SqlError> {
        self.held.set_idle(self.own_bytes + row_bytes)?;
        self.row_bytes = row_bytes;
        Ok(())
    }

    fn add_cursor(&mut self, columns: usize) -> std::result::Result<(), SqlError> {
        let own_bytes = self.own_bytes + own_bytes(columns);
        self.held.set_idle(own_bytes + self.row_bytes)?;
        self.own_bytes = own_bytes;
        Ok(())
    }

    fn remove(&mut self, cursor: &Cursor) {
        self.row_bytes -= cursor.row_bytes;
        self.own_bytes -= own_bytes(cursor.columns.len());
        self.give_back();
    }

    fn give_back(&mut self) {
        // What is there already is not refused.
        let _ = self.held.set_idle(self.own_bytes + self.row_bytes);
    }
}

fn own_bytes(columns: usize) -> usize {
    CURSOR_BYTES + columns * COLUMN_BYTES
}

struct Cursor {
    columns: Vec<Column>,
    metas: Arc<[ColumnMeta]>,
    time_zone: TimeZone,
    rows: Source,
    /// Of its rows, as far as they were taken into memory.
    row_bytes: usize,
}

/// Rows that are still to be fetched.
enum Source {
    Values(std::vec::IntoIter<Vec<Value>>),
    Batches(BatchSource),
    /// The result could not be kept.
    Failed(SqlError),
}

#[derive(Default)]
struct BatchSource {
    held: VecDeque<RecordBatch>,
    /// The next row of the first batch held.
    at: usize,
    rest: Option<Batches>,
}

impl Cursors {
    pub(crate) fn new(held: SessionHeld) -> Self {
        Self { by_statement: HashMap::new(), kept: Kept { row_bytes: 0, own_bytes: 0, held }, newest: None }
    }

    /// Keeps the result of a statement for fetching, and describes it to the client.
    pub(crate) fn open(
        &mut self,
        statement: u32,
        session: &Session,
        result: ResultSet,
        reply: &mut Reply<'_>,
    ) -> Result<()> {
        let facts = client::facts(session);
        self.kept.add_cursor(result.columns.len()).map_err(refused)?;
        let columns: Vec<_> = result.columns.iter().map(|meta| column::column(meta, facts.results)).collect();
        reply.open_cursor(&columns, facts.status)?;
        let rows = match result.rows {
            ResultRows::Values(rows) => Source::Values(rows.into_iter()),
            ResultRows::Batches(rest) => {
                Source::Batches(BatchSource { rest: Some(rest), ..BatchSource::default() })
            }
        };
        let time_zone = facts.time_zone;
        let cursor = Cursor { columns, metas: result.columns, time_zone, rows, row_bytes: 0 };
        if let Some(before) = self.by_statement.insert(statement, cursor) {
            self.kept.remove(&before);
        }
        self.newest = Some(statement);
        Ok(())
    }

    pub(crate) fn close(&mut self, statement: u32) {
        if let Some(cursor) = self.by_statement.remove(&statement) {
            self.kept.remove(&cursor);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.by_statement.clear();
        self.kept.row_bytes = 0;
        self.kept.own_bytes = 0;
        self.kept.give_back();
    }

    /// Makes the newest cursor independent of the session, which is about to run another statement.
    pub(crate) async fn settle(&mut self, session: &Session) {
        let Some(newest) = self.newest.take() else { return };
        let Some(cursor) = self.by_statement.get_mut(&newest) else { return };
        match cursor.rows.settle(session, &mut self.kept).await {
            Ok(row_bytes) => cursor.row_bytes = row_bytes,
            Err(error) => {
                cursor.rows = Source::Failed(error);
                self.kept.give_back();
            }
        }
    }

    /// Sends up to `rows_max` rows. A cursor ends with the fetch that finds no further row, or fails.
    pub(crate) async fn fetch(
        &mut self,
        statement: u32,
        rows_max: u32,
        session: &Session,
        instance: &Instance,
        reply: &mut Reply<'_>,
    ) -> Result<()> {
        let cursor =
            self.by_statement.get_mut(&statement).ok_or(Error::Internal("a fetch without a cursor"))?;
        let Cursor { columns, metas, time_zone, rows, row_bytes } = cursor;
        let mut out = reply.fetched(columns)?;
        let sent = match rows {
            Source::Values(values) => {
                let mut sent = 0;
                while sent < rows_max
                    && let Some(cells) = values.next()
                {
                    out.row(|row| {
                        let mut cells = cells.iter().zip(metas.iter());
                        cells.try_for_each(|(cell, meta)| value::write(row, cell, &meta.ty, *time_zone))
                    })?;
                    result::flush(session, &mut out).await?;
                    sent += 1;
                }
                Ok(sent)
            }
            Source::Batches(source) => {
                source.send(rows_max, metas, *time_zone, session, instance, &mut out).await
            }
            Source::Failed(error) => Err(refused(error.clone())),
        };
        if *row_bytes > 0
            && let Source::Batches(source) = rows
        {
            let left = source.held_bytes();
            self.kept.row_bytes -= *row_bytes - left;
            *row_bytes = left;
            self.kept.give_back();
        }
        let at_end = sent.as_ref().is_ok_and(|sent| *sent < rows_max);
        let result = match sent {
            Ok(_) => out.finish_fetch(client::server_status(session), at_end),
            Err(error) => Err(error),
        };
        if at_end || result.is_err() {
            self.close(statement);
        }
        result
    }
}

impl Source {
    fn held_bytes(&self) -> usize {
        match self {
            Self::Values(rows) => rows.as_slice().iter().flatten().map(value_bytes).sum(),
            Self::Batches(source) => source.held_bytes(),
            Self::Failed(_) => 0,
        }
    }

    /// Takes what is left into memory; answers how many bytes that are.
    async fn settle(&mut self, session: &Session, kept: &mut Kept) -> std::result::Result<usize, SqlError> {
        let others = kept.row_bytes;
        let mut own = self.held_bytes();
        kept.set_rows(others + own)?;
        let taken = async {
            if let Self::Batches(source) = self
                && let Some(mut rest) = source.rest.take()
            {
                while others + own <= HELD_BYTES_MAX
                    && let Some(next) = next_unwatched(session, &mut rest).await
                {
                    let next = next?;
                    own += next.get_array_memory_size();
                    kept.held.set_idle(kept.own_bytes + others + own)?;
                    source.held.push_back(next);
                }
            }
            if others + own <= HELD_BYTES_MAX { Ok(()) } else { Err(too_much()) }
        };
        let taken = taken.await;
        kept.row_bytes = if taken.is_ok() { others + own } else { others };
        taken.map(|()| own)
    }
}

/// ER_OUT_OF_RESOURCES with what to do about it.
fn too_much() -> SqlError {
    let text = format!(
        "Out of memory; the rest of a cursor's result, kept while other statements run, is over {} MiB: \
         fetch all rows first, or use another connection",
        HELD_BYTES_MAX >> 20
    );
    SqlError::new(1041, "HY000", text)
}

fn value_bytes(value: &Value) -> usize {
    let payload = if let Value::Bytes(bytes) = value { bytes.len() } else { 0 };
    size_of::<Value>() + payload
}

/// The client waits for another statement and sends nothing, so only a KILL ends this early.
async fn next_unwatched(
    session: &Session,
    rest: &mut Batches,
) -> Option<std::result::Result<RecordBatch, SqlError>> {
    tokio::select! {
        biased;
        () = session.process().killed() => Some(Err(SqlError::query_interrupted())),
        next = rest.next() => next,
    }
}

impl BatchSource {
    fn held_bytes(&self) -> usize {
        self.held.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    async fn send(
        &mut self,
        rows_max: u32,
        metas: &[ColumnMeta],
        time_zone: TimeZone,
        session: &Session,
        instance: &Instance,
        out: &mut Rows<'_, '_>,
    ) -> Result<u32> {
        let mut sent = 0;
        while sent < rows_max {
            let Some(first) = self.held.front() else {
                let Some(rest) = &mut self.rest else { break };
                let next = result::next_batch(session, instance, rest, out).await?;
                let Some(next) = next else {
                    self.rest = None;
                    break;
                };
                self.held.push_back(next.map_err(|error| failed(session, error))?);
                continue;
            };
            let readers = batch::readers(first, metas.iter().map(|meta| &meta.ty))?;
            while self.at < first.num_rows() && sent < rows_max {
                let at = self.at;
                out.row(|row| readers.iter().try_for_each(|reader| reader.write(row, at, time_zone)))?;
                result::flush(session, out).await?;
                self.at += 1;
                sent += 1;
            }
            drop(readers);
            if self.at >= first.num_rows() {
                self.held.pop_front();
                self.at = 0;
            }
        }
        Ok(sent)
    }
}
