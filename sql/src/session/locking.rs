//! Statements that lock rows: those that write in an open transaction, and SELECT ... FOR UPDATE and FOR SHARE.

use std::sync::Arc;

use rutile_sql_parser::{Statement, ast};
use rutile_sql_types::{FieldType, Value};

use super::outcome::Outcome;
use super::session::Session;
use super::statement_context::StatementContext;
use super::transaction_control;
use crate::catalog::InfoSchema;
use crate::error::{Error, Result};
use crate::variable::Characteristics;

/// A statement that finds rows newer than it read, when it comes to lock them, looks again this often.
const RETRIES_MAX: usize = 256;
const DUPLICATE_ENTRY: u16 = 1062;

/// What locks rows.
pub(super) enum Work<'s> {
    Write(&'s Statement),
    Read(&'s ast::Query),
}

impl Work<'_> {
    async fn run(&self, context: &mut StatementContext<'_>) -> Result<Outcome> {
        match self {
            Self::Write(statement) => crate::executor::run_dml(context, statement).await,
            Self::Read(query) => crate::executor::run_query(context, query).await,
        }
    }
}

/// Runs a statement of the open transaction: a failure undoes this statement only, except that a deadlock undoes
/// them all.
pub(super) async fn in_transaction(
    session: &mut Session,
    work: Work<'_>,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    session.transaction.start_statement();
    let (schema, _schema_use) = session.enter();
    run(session, work, text, parameters, &schema).await
}

/// The same for a statement that has been started.
pub(super) async fn run(
    session: &mut Session,
    work: Work<'_>,
    text: &[u8],
    parameters: &[(Value, FieldType)],
    schema: &Arc<InfoSchema>,
) -> Result<Outcome> {
    session.transaction.start(session.instance.client()).await?;
    let savepoint = session.transaction.statement_savepoint();
    let mut attempt = 0;
    loop {
        let warnings = session.state.warnings.clone();
        let outcome = work.run(&mut session.context(Arc::clone(schema), parameters, text)).await;
        let Err(error) = outcome else {
            return outcome;
        };
        session.transaction.rollback_statement(savepoint.clone());
        let again = transaction_control::begin_again(session, &error).await
            || met_a_generated_id(session, &error).await?;
        if !again || attempt == RETRIES_MAX {
            return Err(error);
        }
        attempt += 1;
        session.state.warnings = warnings;
    }
}

/// Whether a duplicate may be due to a value that the statement generated while another session, maybe of another node,
/// wrote it out: the statement begins again with values beyond.
pub(super) async fn met_a_generated_id(session: &Session, error: &Error) -> Result<bool> {
    match (error, session.state.given_ids) {
        (Error::GeneratedIdTaken, _) => Ok(true),
        (Error::Sql(error), Some(given)) if error.code == DUPLICATE_ENTRY => {
            session.instance.auto_ids().overtaken(given).await
        }
        _ => Ok(false),
    }
}

/// SELECT ... FOR UPDATE and FOR SHARE. Outside a transaction the locks end with the statement.
pub(super) async fn select(
    session: &mut Session,
    query: &ast::Query,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    if session.transaction.is_open() {
        return in_transaction(session, Work::Read(query), text, parameters).await;
    }
    let asked = session.state.variables.take_transaction_characteristics();
    session.transaction.begin(false, Characteristics { pessimistic: true, ..asked });
    let outcome = in_transaction(session, Work::Read(query), text, parameters).await;
    if let Err(error) = transaction_control::rollback(session).await {
        tracing::debug!(%error, "end of a locking read; its locks expire on their own");
    }
    outcome
}
