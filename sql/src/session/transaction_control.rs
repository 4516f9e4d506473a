//! BEGIN, COMMIT, ROLLBACK, savepoints, and the commits nobody wrote.

use std::sync::Arc;

use rutile_kv_client::Error as StoreError;
use rutile_sql_parser::ast::{Begin, Completion};

use super::outcome::Outcome;
use super::session::Session;
use super::status;
use crate::error::{Error, Result};
use crate::txn::duplicate_from_key;
use crate::variable::Characteristics;

/// With autocommit off the first statement that touches data opens a transaction.
pub(super) fn open_for_statement(session: &mut Session) {
    if !session.state.settings().autocommit && !session.transaction.is_open() {
        let characteristics = session.state.variables.take_transaction_characteristics();
        session.transaction.begin(true, characteristics);
    }
}

pub(super) async fn begin(session: &mut Session, begin: Begin) -> Result<Outcome> {
    implicit_commit(session).await?;
    super::lock_tables::release(session);
    let asked = session.state.variables.take_transaction_characteristics();
    let read_only = begin.read_only.unwrap_or(asked.read_only);
    session.transaction.begin(true, Characteristics { read_only, ..asked });
    if begin.consistent_snapshot {
        let schema = session.instance.infoschema();
        session.transaction.start(session.instance.client()).await?;
        session.transaction.pin_schema(&schema);
    }
    Ok(Outcome::done())
}

pub(super) async fn commit_statement(session: &mut Session, completion: Completion) -> Result<Outcome> {
    commit(session).await?;
    complete(session, completion);
    Ok(Outcome::done())
}

pub(super) async fn rollback_statement(session: &mut Session, completion: Completion) -> Result<Outcome> {
    rollback(session).await?;
    complete(session, completion);
    Ok(Outcome::done())
}

/// AND CHAIN opens the next transaction, RELEASE ends the connection.
fn complete(session: &mut Session, completion: Completion) {
    let settings = session.state.settings();
    let chain = completion.chain.unwrap_or(settings.completion_chain && completion.release.is_none());
    let release = completion.release.unwrap_or(settings.completion_release && completion.chain.is_none());
    if chain {
        let characteristics = session.state.variables.transaction_characteristics();
        session.transaction.begin(true, characteristics);
    }
    session.state.must_close |= release;
}

/// What DDL, BEGIN and SET autocommit=1 do to an open transaction.
pub(super) async fn implicit_commit(session: &mut Session) -> Result<()> {
    if session.transaction.is_open() { commit(session).await } else { Ok(()) }
}

/// Commits the open transaction, if any. Whatever happens, it is over afterwards.
///
/// A KILL that comes while it commits ends it as long as nothing is decided; a client that goes does not, as in MySQL.
///
/// A connection that was killed commits nothing any more. All of a node are when it was off the list of SQL nodes, and
/// what began before that must not commit under the lease that follows.
pub(super) async fn commit(session: &mut Session) -> Result<()> {
    if session.state.process.was_connection_ordered_to_end() {
        rollback(session).await?;
        return Err(rutile_sql_types::MySqlError::query_interrupted().into());
    }
    let process = Arc::clone(&session.state.process);
    let committed = session.transaction.commit(Box::pin(async move { process.ordered_to_end().await })).await;
    if committed.is_ok() {
        status::bump(&session.instance.status().handler_commit);
    }
    let result = match committed {
        Ok(()) => Ok(()),
        Err(Error::Store(StoreError::AlreadyExists { key })) => {
            let zone = session.state.settings().time_zone;
            let schema = session.instance.infoschema();
            let error = match session.transaction.store() {
                Some(store) => duplicate_from_key(&schema, store, &key, zone),
                None => rutile_sql_types::MySqlError::duplicate_entry("?", "?"),
            };
            Err(error.into())
        }
        Err(error) => Err(error),
    };
    session.transaction.close();
    session.instance.metadata_locks().release_transaction(session.state.info.connection_id);
    result
}

/// What a statement's failure means for its transaction; true if the statement may begin again.
///
/// Before COMMIT only locks conflict: a row turned out newer than what the statement had read of it. A deadlock, or
/// locks that were lost because the transaction lived too long, end the transaction (MySQL manual, "InnoDB Error
/// Handling").
pub(super) async fn begin_again(session: &mut Session, error: &Error) -> bool {
    match error {
        Error::Store(StoreError::WriteConflict { .. }) => {
            session.transaction.restart_statement();
            true
        }
        Error::Store(StoreError::Deadlock { .. } | StoreError::RolledBack { .. }) => {
            if let Err(error) = rollback(session).await {
                tracing::debug!(%error, "rollback after a deadlock; its locks expire on their own");
            }
            false
        }
        _ => false,
    }
}

/// Rolls the open transaction back, if any.
pub(super) async fn rollback(session: &mut Session) -> Result<()> {
    if session.transaction.is_open() {
        status::bump(&session.instance.status().handler_rollback);
    }
    let rolled_back = session.transaction.rollback().await;
    session.instance.metadata_locks().release_transaction(session.state.info.connection_id);
    rolled_back
}

/// Outside a transaction a savepoint holds for its own statement only, so there is nothing to do.
pub(super) async fn savepoint(session: &mut Session, name: &str) -> Result<Outcome> {
    open_for_statement(session);
    session.transaction.savepoint(session.instance.client(), name).await?;
    Ok(Outcome::done())
}

pub(super) fn rollback_to(session: &mut Session, name: &str) -> Result<Outcome> {
    session.transaction.rollback_to(name)?;
    Ok(Outcome::done())
}

pub(super) fn release(session: &mut Session, name: &str) -> Result<Outcome> {
    session.transaction.release(name)?;
    Ok(Outcome::done())
}
