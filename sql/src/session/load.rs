//! LOAD DATA LOCAL INFILE, from the statement to the end of the client's file.
//!
//! The statement only binds. Its rows come later, in the pieces in which the client sends its file, so the load keeps
//! what a statement holds while it runs: the catalog it was bound to, on whose users DDL waits, and the transaction:
//! the session's, or one that ends with the file.

use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_client::Savepoint;
use rutile_sql_parser::ast;
use rutile_sql_types::{MySqlError, Value};

use super::outcome::{LoadRequest, Outcome};
use super::session::Session;
use super::transaction_control;
use crate::catalog::InfoSchema;
use crate::domain::SchemaUse;
use crate::error::{Error, Result, SqlError};
use crate::import::Loader;
use crate::variable::Characteristics;

/// A load whose file is on its way. Give every piece to [`Session::load_chunk`], and in the end, without an
/// error, the load to [`Session::finish_load`].
pub struct Load {
    loader: Loader,
    schema: Arc<InfoSchema>,
    /// Dropped with the load: no DDL may come between what was bound and what is written.
    _schema_use: SchemaUse,
    savepoint: Option<Savepoint>,
    /// The transaction ends with the file.
    commits: bool,
}

/// Binds the statement and asks for the file.
pub(super) async fn start(session: &mut Session, load: &ast::LoadData, text: &[u8]) -> Result<Outcome> {
    check_local(session, load)?;
    transaction_control::open_for_statement(session);
    let commits = !session.transaction.is_open();
    if commits {
        let asked = session.state.variables.take_transaction_characteristics();
        // Nobody knows of the rows before the commit, so locks would only cost.
        session.transaction.begin(false, Characteristics { pessimistic: false, ..asked });
    }
    let started = bind(session, load, text, commits).await;
    if started.is_err() && commits {
        undo(session, None, true).await;
    }
    let file_name = String::from_utf8_lossy(&load.path).into_owned();
    Ok(Outcome::LocalInfile(LoadRequest { file_name, load: Box::new(started?) }))
}

/// LOCAL only, and only if the server and the client say so (error 3948).
fn check_local(session: &Session, load: &ast::LoadData) -> Result<()> {
    if !load.local {
        return Err(Error::unsupported("LOAD DATA without LOCAL"));
    }
    let enabled = crate::variable::find("local_infile")
        .is_some_and(|definition| session.instance.global_variables().get(definition) == Value::Int(1));
    if !session.state.info.local_files || !enabled {
        let text = "Loading local data is disabled; this must be enabled on both the client and server sides";
        return Err(MySqlError::new(3948, "42000", text).into());
    }
    Ok(())
}

async fn bind(session: &mut Session, load: &ast::LoadData, text: &[u8], commits: bool) -> Result<Load> {
    session.transaction.start_statement();
    let (schema, schema_use) = session.enter();
    let loader = crate::import::load_data(&mut session.context(Arc::clone(&schema), &[], text), load)?;
    session.transaction.start(session.instance.client()).await?;
    let savepoint = session.transaction.statement_savepoint();
    Ok(Load { loader, schema, _schema_use: schema_use, savepoint, commits })
}

/// Takes back what the load has written.
async fn undo(session: &mut Session, savepoint: Option<Savepoint>, commits: bool) {
    if !commits {
        return session.transaction.rollback_statement(savepoint);
    }
    // What the rollback leaves expires by itself.
    if let Err(error) = transaction_control::rollback(session).await {
        tracing::debug!(%error, "rollback of a failed load");
    }
}

/// The same because of `error`. A deadlock undoes the whole transaction, and nothing can begin again without the file.
async fn undo_after(session: &mut Session, savepoint: Option<Savepoint>, commits: bool, error: &Error) {
    undo(session, savepoint, commits).await;
    if !commits {
        transaction_control::begin_again(session, error).await;
    }
}

impl Session {
    /// The next piece of the file. After an error the load is undone, and of no use any more.
    pub async fn load_chunk(&mut self, load: &mut Load, data: Bytes) -> Result<(), SqlError> {
        let mut context = self.context(Arc::clone(&load.schema), &[], &[]);
        match load.loader.take(&mut context, &data).await {
            Ok(()) => Ok(()),
            Err(error) => {
                undo_after(self, load.savepoint.clone(), load.commits, &error).await;
                self.finish_statement(Err(error)).map(drop)
            }
        }
    }

    /// The file is complete: the statement's answer.
    pub async fn finish_load(&mut self, load: Load) -> Result<Outcome, SqlError> {
        let Load { loader, schema, _schema_use, savepoint, commits } = load;
        let outcome = loader.complete(&mut self.context(schema, &[], &[])).await;
        let outcome = match outcome {
            Ok(outcome) if commits => transaction_control::commit(self).await.map(|()| outcome),
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                undo_after(self, savepoint, commits, &error).await;
                Err(error)
            }
        };
        self.finish_statement(outcome)
    }

    /// The file does not come.
    pub async fn abandon_load(&mut self, load: Load) {
        undo(self, load.savepoint, load.commits).await;
    }
}
