//! Statements that write rows: INSERT, REPLACE, UPDATE, DELETE, LOAD DATA.

use rutile_sql_parser::{Statement, ast};
use rutile_sql_types::{FieldType, Value};

use super::outcome::Outcome;
use super::session::Session;
use super::transaction_control;
use crate::error::{Error, ErrorClass, Result};

/// An autocommit statement that lost against another transaction runs again this often: nobody has seen its
/// first attempt, so a client need not learn of it.
const AUTOCOMMIT_RETRIES_MAX: usize = 16;

pub(super) async fn run(
    session: &mut Session,
    statement: &Statement,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    transaction_control::open_for_statement(session);
    if session.transaction.is_open() {
        return in_transaction(session, statement, text, parameters).await;
    }
    let mut attempt = 0;
    loop {
        let warnings = session.state.warnings.clone();
        match autocommit(session, statement, text, parameters).await {
            Err(error)
                if error.class() == ErrorClass::RetryTransaction && attempt < AUTOCOMMIT_RETRIES_MAX =>
            {
                attempt += 1;
                session.state.warnings = warnings;
            }
            outcome => return outcome,
        }
    }
}

/// Part of an open transaction: a failure undoes this statement only.
async fn in_transaction(
    session: &mut Session,
    statement: &Statement,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    session.transaction.start_statement();
    let savepoint = session.transaction.statement_savepoint();
    let (schema, _schema_use) = session.enter();
    let outcome = {
        let mut context = session.context(schema, parameters, text);
        crate::executor::run_dml(&mut context, statement).await
    };
    if outcome.is_err() {
        session.transaction.rollback_statement(savepoint);
    }
    outcome
}

/// A transaction of its own.
async fn autocommit(
    session: &mut Session,
    statement: &Statement,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let (isolation, read_only) = session.state.variables.take_transaction_characteristics();
    session.transaction.begin(false, isolation, read_only);
    session.transaction.start_statement();
    let (schema, schema_use) = session.enter();
    let outcome = {
        let mut context = session.context(schema, parameters, text);
        crate::executor::run_dml(&mut context, statement).await
    };
    let outcome = match outcome {
        Ok(outcome) => transaction_control::commit(session).await.map(|()| outcome),
        Err(error) => {
            // The statement's own error matters; what the rollback leaves expires by itself.
            if let Err(rollback) = transaction_control::rollback(session).await {
                tracing::debug!(error = %rollback, "rollback of a failed statement");
            }
            Err(error)
        }
    };
    drop(schema_use);
    outcome
}

pub(super) async fn load(session: &mut Session, load: &ast::LoadData, text: &[u8]) -> Result<Outcome> {
    if !load.local {
        return Err(Error::unsupported("LOAD DATA without LOCAL"));
    }
    if !session.state.info.local_files || !local_infile_enabled(session) {
        return Err(rutile_sql_types::MySqlError::new(
            3948,
            "42000",
            "Loading local data is disabled; this must be enabled on both the client and server sides",
        )
        .into());
    }
    let (schema, _schema_use) = session.enter();
    let mut context = session.context(schema, &[], text);
    crate::import::load_data(&mut context, load).await
}

fn local_infile_enabled(session: &Session) -> bool {
    crate::variable::find("local_infile")
        .is_some_and(|definition| session.instance.global_variables().get(definition) == Value::Int(1))
}
