//! Statements that write rows: INSERT, REPLACE, UPDATE, DELETE.

use rutile_kv_client::Error as StoreError;
use rutile_sql_parser::Statement;
use rutile_sql_types::{FieldType, Value};

use super::locking::{self, Work};
use super::outcome::Outcome;
use super::session::Session;
use super::transaction_control;
use crate::error::{Error, Result};
use crate::variable::Characteristics;

/// An autocommit statement that lost against another transaction runs again this often: nobody has seen its
/// first attempts, so a client need not learn of them.
const ATTEMPTS_MAX: usize = 16;

pub(super) async fn run(
    session: &mut Session,
    statement: &Statement,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    transaction_control::open_for_statement(session);
    if session.transaction.is_open() {
        return locking::in_transaction(session, Work::Write(statement), text, parameters).await;
    }
    let asked = session.state.variables.take_transaction_characteristics();
    let mut attempt = 1;
    loop {
        let warnings = session.state.warnings.clone();
        // Most statements are alone with their rows, and locks would only cost them. One that is not comes back with
        // locks, so that it waits for its turn instead of losing again.
        let characteristics = Characteristics { pessimistic: attempt > 1, ..asked };
        match autocommit(session, statement, text, parameters, characteristics).await {
            Err(error) if attempt < ATTEMPTS_MAX => {
                if !has_lost(&error) && !locking::met_a_generated_id(session, &error).await? {
                    return Err(error);
                }
                attempt += 1;
                session.state.warnings = warnings;
            }
            outcome => return outcome,
        }
    }
}

/// Another transaction was there first.
fn has_lost(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::WriteConflict { .. } | StoreError::KeyLocked { .. }))
}

/// A transaction of its own.
async fn autocommit(
    session: &mut Session,
    statement: &Statement,
    text: &[u8],
    parameters: &[(Value, FieldType)],
    characteristics: Characteristics,
) -> Result<Outcome> {
    session.transaction.begin(false, characteristics);
    session.transaction.start_statement();
    // To the end of the commit: no DDL may come between what was decided and what is written.
    let (schema, _schema_use) = session.enter();
    match locking::run(session, Work::Write(statement), text, parameters, &schema).await {
        Ok(outcome) => transaction_control::commit(session).await.map(|()| outcome),
        Err(error) => {
            // The statement's own error matters; what the rollback leaves expires by itself.
            if let Err(rollback) = transaction_control::rollback(session).await {
                tracing::debug!(error = %rollback, "rollback of a failed statement");
            }
            Err(error)
        }
    }
}
