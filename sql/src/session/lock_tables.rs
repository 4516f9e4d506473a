//! LOCK TABLES and UNLOCK TABLES.

use std::collections::HashMap;
use std::time::Duration;

use rutile_sql_parser::ast::{LockedTable, TableLockMode};
use rutile_sql_types::{Level, MySqlError, Warning};

use super::outcome::Outcome;
use super::session::Session;
use super::transaction_control;
use crate::error::Result;

/// Ends the transaction, gives back what is held, and takes the tables once no other session uses them.
pub(super) async fn lock(session: &mut Session, tables: &[LockedTable], text: &[u8]) -> Result<Outcome> {
    transaction_control::implicit_commit(session).await?;
    release(session);
    let schema = session.instance.infoschema();
    let mut wanted = HashMap::new();
    {
        let mut context = session.context(schema, &[], text);
        for locked in tables {
            let write = locked.mode == TableLockMode::Write;
            let (_, table) = context.find_relation(&locked.table)?;
            // A view stands for the tables behind it.
            let held = match &table.view {
                Some(_) => crate::executor::stored_tables_of(&mut context, &locked.table)?,
                None => vec![table.id],
            };
            for table in held {
                // The same table under several aliases is held in the strongest way that was asked for.
                *wanted.entry(table).or_insert(false) |= write;
            }
        }
    }
    let id = session.state.info.connection_id;
    loop {
        let instance = session.instance.clone();
        let released = instance.table_locks().released();
        if instance.table_locks().take(id, &wanted) {
            break;
        }
        wait(session, released).await?;
    }
    if session.instance.membership().is_some() {
        session.state.warnings.push(Warning {
            level: Level::Warning,
            code: 1105,
            message: "LOCK TABLES holds the tables against sessions of this SQL node only".to_owned(),
        });
    }
    session.state.locked_tables = Some(wanted.clone());
    let drained = {
        let instance = session.instance.clone();
        wait(session, instance.metadata_locks().wait_for_others(id, &wanted)).await
    };
    if drained.is_err() {
        release(session);
    }
    drained.map(|()| Outcome::done())
}

/// Commits only if tables were locked (MySQL manual, "LOCK TABLES and UNLOCK TABLES").
pub(super) async fn unlock(session: &mut Session) -> Result<Outcome> {
    if session.state.locked_tables.is_some() {
        transaction_control::implicit_commit(session).await?;
        release(session);
    }
    Ok(Outcome::done())
}

/// What UNLOCK TABLES, BEGIN and the end of the connection do.
pub(super) fn release(session: &mut Session) {
    if session.state.locked_tables.take().is_some() {
        session.instance.table_locks().release(session.state.info.connection_id);
    }
}

/// Waits at most `lock_wait_timeout`, and not after KILL.
pub(super) async fn wait(session: &Session, event: impl Future<Output = ()>) -> Result<()> {
    let limit = Duration::from_secs(session.state.settings().lock_wait_timeout_s);
    let timeout = session.instance.env().clock.sleep(limit);
    tokio::select! {
        () = event => Ok(()),
        () = timeout => Err(MySqlError::lock_wait_timeout().into()),
        () = session.state.process.killed() => Err(MySqlError::query_interrupted().into()),
    }
}
