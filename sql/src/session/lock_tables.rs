//! LOCK TABLES and UNLOCK TABLES.

use std::collections::HashMap;
use std::time::Duration;

use rutile_kv_env::BoxFuture;
use rutile_sql_parser::ast::{LockedTable, TableLockMode};
use rutile_sql_types::MySqlError;

use super::outcome::Outcome;
use super::session::Session;
use super::transaction_control;
use crate::catalog::TableId;
use crate::cluster;
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
    let mut patience = Patience::begin(session);
    let version = take(session, &wanted, &mut patience).await?;
    let instance = session.instance.clone();
    let drained = patience.wait(session, async {
        instance.metadata_locks().wait_for_others(session.state.info.connection_id, &wanted).await;
        cluster::wait_for_users(&instance, &wanted.clone().into_iter().collect(), version).await
    });
    if let Err(error) = drained.await.flatten() {
        release(session);
        cluster::give_back_tables(&session.instance).await;
        return Err(error);
    }
    Ok(Outcome::done())
}

/// Takes the tables against sessions of this node and of others; the version of the locks by which the latter know.
async fn take(
    session: &mut Session,
    wanted: &HashMap<TableId, bool>,
    patience: &mut Patience,
) -> Result<u64> {
    let (instance, id) = (session.instance.clone(), session.state.info.connection_id);
    loop {
        let released = instance.table_locks().released();
        if !instance.table_locks().take(id, wanted) {
            patience.wait(session, released).await?;
            continue;
        }
        session.state.locked_tables = Some(wanted.clone());
        match cluster::hold_tables(&instance).await {
            Ok(Some(version)) => return Ok(version),
            // From now on this node knows what it met.
            Ok(None) => release(session),
            Err(error) => {
                release(session);
                return Err(error);
            }
        }
        if session.state.process.is_query_killed() {
            return Err(MySqlError::query_interrupted().into());
        }
    }
}

/// Commits only if tables were locked (MySQL manual, "LOCK TABLES and UNLOCK TABLES").
pub(super) async fn unlock(session: &mut Session) -> Result<Outcome> {
    if session.state.locked_tables.is_some() {
        transaction_control::implicit_commit(session).await?;
        release(session);
        cluster::give_back_tables(&session.instance).await;
    }
    Ok(Outcome::done())
}

/// What UNLOCK TABLES, BEGIN and the end of the connection do. Other nodes hear of it at the next tick.
pub(super) fn release(session: &mut Session) {
    if session.state.locked_tables.take().is_some() {
        session.instance.table_locks().release(session.state.info.connection_id);
    }
}

/// What is left of `lock_wait_timeout`, however often the session looks again.
pub(super) struct Patience(BoxFuture<'static, ()>);

impl Patience {
    pub fn begin(session: &Session) -> Self {
        let limit = Duration::from_secs(session.state.settings().lock_wait_timeout_s);
        Self(session.instance.env().clock.sleep(limit))
    }

    /// Waits as long as there is patience, and not after KILL.
    pub async fn wait<T>(&mut self, session: &Session, event: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            happened = event => Ok(happened),
            () = &mut self.0 => Err(MySqlError::lock_wait_timeout().into()),
            () = session.state.process.killed() => Err(MySqlError::query_interrupted().into()),
        }
    }
}
