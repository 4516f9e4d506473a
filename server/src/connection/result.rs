//! A statement's outcome as a reply.

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use rutile_server_wire::{Error, Ok as OkReply, Reply, Result, Rows};
use rutile_sql::SqlError;
use rutile_sql::session::{Instance, Outcome, ResultSet, Rows as ResultRows, Session};

use crate::connection::client::{self, SessionFacts, failed, refused};
use crate::connection::{batch, column, file, tracking, value};

/// Sends one outcome. Rows are pulled from the executor as the client takes them.
pub(crate) async fn send(
    session: &mut Session,
    instance: &Instance,
    outcome: Outcome,
    reply: &mut Reply<'_>,
) -> Result<()> {
    match outcome {
        Outcome::Rows(result) => rows(session, instance, result, reply).await,
        Outcome::LocalInfile(request) => {
            let outcome =
                file::load(session, request, reply).await?.map_err(|error| failed(session, error))?;
            ok(session, &outcome, reply)
        }
        outcome @ Outcome::Ok { .. } => ok(session, &outcome, reply),
    }
}

fn ok(session: &mut Session, outcome: &Outcome, reply: &mut Reply<'_>) -> Result<()> {
    let Outcome::Ok { affected_rows, last_insert_id, info, warnings } = outcome else {
        return Err(refused(SqlError::new(1105, "HY000", "a load that answers with rows")));
    };
    reply.ok(&OkReply {
        affected_rows: *affected_rows,
        last_insert_id: *last_insert_id,
        status: client::server_status(session),
        warnings: *warnings,
        info,
        changes: &tracking::changes(session),
    })
}

async fn rows(
    session: &mut Session,
    instance: &Instance,
    result: ResultSet,
    reply: &mut Reply<'_>,
) -> Result<()> {
    let facts = client::facts(session);
    let columns: Vec<_> = result.columns.iter().map(|meta| column::column(meta, facts.results)).collect();
    let mut out = reply.rows(&columns, facts.status)?;
    match &result.rows {
        ResultRows::Values(values) => {
            for cells in values {
                out.row(|row| {
                    for (cell, meta) in cells.iter().zip(result.columns.iter()) {
                        value::write(row, cell, &meta.ty, facts.time_zone)?;
                    }
                    Ok(())
                })?;
                flush(session, &mut out).await?;
            }
            out.finish(client::server_status(session), result.warnings)
        }
        ResultRows::Batches(_) => {
            stream(session, instance, result, &facts, &mut out).await?;
            // An autocommit statement ends with its last row.
            out.finish(client::server_status(session), session.warnings_count())
        }
    }
}

async fn stream(
    session: &mut Session,
    instance: &Instance,
    result: ResultSet,
    facts: &SessionFacts,
    out: &mut Rows<'_, '_>,
) -> Result<()> {
    let ResultRows::Batches(mut batches) = result.rows else {
        return Ok(());
    };
    loop {
        let Some(next) = next_batch(session, instance, &mut batches, out).await? else { return Ok(()) };
        let next = next.map_err(|error| failed(session, error))?;
        let readers = batch::readers(&next, result.columns.iter().map(|meta| &meta.ty))?;
        for at in 0..next.num_rows() {
            out.row(|row| readers.iter().try_for_each(|reader| reader.write(row, at, facts.time_zone)))?;
            flush(session, out).await?;
        }
    }
}

/// Lets the client take what has gathered. A KILL does not wait for one that does not read.
pub(crate) async fn flush(session: &Session, out: &mut Rows<'_, '_>) -> Result<()> {
    if !out.is_full() {
        return Ok(());
    }
    let process = session.process().clone();
    tokio::select! {
        biased;
        flushed = out.flush_if_full() => flushed,
        () = process.connection_killed() => Err(Error::Closed),
    }
}

/// The executor's next batch, `None` behind the last. Dropping the stream is what ends an operator that is killed, or
/// whose client is gone.
pub(crate) async fn next_batch(
    session: &Session,
    instance: &Instance,
    batches: &mut BoxStream<'static, std::result::Result<RecordBatch, SqlError>>,
    out: &mut Rows<'_, '_>,
) -> Result<Option<std::result::Result<RecordBatch, SqlError>>> {
    let id = session.connection_id();
    let process = session.process().clone();
    let kill = || {
        instance.processes().kill(id, false);
    };
    tokio::select! {
        biased;
        () = process.killed() => Err(failed(session, SqlError::query_interrupted())),
        next = out.watch(batches.next(), kill) => Ok(next),
    }
}
