//! Statements that only read: SELECT, SHOW, EXPLAIN.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use arrow::record_batch::RecordBatch;
use futures::Stream;
use futures::stream::BoxStream;
use rutile_kv_env::Clock;
use rutile_sql_parser::ast;
use rutile_sql_types::{FieldType, Value};

use super::outcome::{Outcome, ResultSet, Rows};
use super::processlist::Process;
use super::session::Session;
use super::{locking, transaction_control};
use crate::domain::SchemaUse;
use crate::error::{Result, SqlError};
use crate::executor::TemplateCache;

/// `cache` is the prepared statement's.
pub(super) async fn select(
    session: &mut Session,
    query: &ast::Query,
    text: &[u8],
    parameters: &[(Value, FieldType)],
    cache: Option<&TemplateCache>,
) -> Result<Outcome> {
    if let Some(target) = &query.into {
        return super::into::select(session, query, target, text, parameters).await;
    }
    transaction_control::open_for_statement(session);
    if !query.locking.is_empty() {
        return locking::select(session, query, text, parameters).await;
    }
    session.transaction.start_statement();
    let (schema, schema_use) = session.enter();
    let outcome = {
        let mut context = session.context(schema, parameters, text);
        match cache {
            Some(cache) => crate::executor::run_prepared_query(&mut context, query, cache).await?,
            None => crate::executor::run_query(&mut context, query).await?,
        }
    };
    Ok(keep_schema(session, outcome, schema_use))
}

pub(super) async fn explain(
    session: &mut Session,
    explain: &ast::Explain,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    transaction_control::open_for_statement(session);
    session.transaction.start_statement();
    let (schema, schema_use) = session.enter();
    let outcome = {
        let mut context = session.context(schema, parameters, text);
        crate::executor::explain(&mut context, explain).await?
    };
    Ok(keep_schema(session, outcome, schema_use))
}

pub(super) async fn show(
    session: &mut Session,
    show: &ast::Show,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let (schema, _schema_use) = session.enter();
    let mut context = session.context(schema, parameters, text);
    crate::infoschema::show(&mut context, show).await
}

/// A streamed result goes on using its tables until the client has read it.
fn keep_schema(session: &mut Session, outcome: Outcome, schema_use: SchemaUse) -> Outcome {
    match outcome {
        Outcome::Rows(ResultSet { columns, rows: Rows::Batches(stream), warnings }) => {
            let process = Arc::clone(session.state.process());
            let counted = CountedStream {
                stream,
                rows: session.state.reset_found_rows(),
                run: process.run(),
                process,
                clock: Arc::clone(&session.instance.env().clock),
                _use: schema_use,
            };
            Outcome::Rows(ResultSet { columns, rows: Rows::Batches(Box::pin(counted)), warnings })
        }
        other => other,
    }
}

/// Counts rows for FOUND_ROWS(), holds the statement's registration, and is its place in the process list.
struct CountedStream {
    stream: BoxStream<'static, Result<RecordBatch, SqlError>>,
    rows: Arc<AtomicU64>,
    process: Arc<Process>,
    run: u64,
    clock: Arc<dyn Clock>,
    _use: SchemaUse,
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.process.finish(self.run, self.clock.now());
    }
}

impl Stream for CountedStream {
    type Item = Result<RecordBatch, SqlError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.stream.as_mut().poll_next(context);
        if let Poll::Ready(Some(Ok(batch))) = &polled {
            self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        }
        polled
    }
}
