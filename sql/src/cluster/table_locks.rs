//! LOCK TABLES that all nodes respect.
//!
//! ```text
//! one node    record: these tables of mine, version + 1 ──────→ the others, at their next tick: new statements wait;
//!             waits for all records  ←── "I know that version, and these of the tables are still in use here"
//! ```
//! A statement looks at what its own node knows and pays for nothing. A lock counts as taken once every other node has
//! said that it knows it and that nothing uses the tables any more; a node that is silent is waited for until its lease
//! has ended. It ends when its record goes, or with the lease of the node that wrote it, which serves nothing from then
//! on. A node that joins reads the records before its first session.
//!
//! Two nodes that want the same table both write the version, so one of them meets the record of the other.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Transaction, TransactionOptions};
use serde::{Deserialize, Serialize};

use super::membership::{Membership, decode, get, list, lost_a_race, pairs, put};
use super::record::SeenLocks;
use super::wait::until;
use crate::domain::LockedTables;
use crate::error::{Error, Result};
use crate::meta::keys;
use crate::session::Instance;

/// Attempts that may lose to other nodes before an operation gives up.
const ATTEMPTS_MAX: usize = 64;

/// What the others know of this node's locks, and this node of theirs.
#[derive(Debug, Default)]
pub(super) struct TableLocksTold {
    /// What was written last, and under which name of this node. Held while that is being changed.
    published: tokio::sync::Mutex<Published>,
    /// The version that new statements here respect.
    seen: Mutex<u64>,
}

#[derive(Debug, Default)]
struct Published {
    uuid: String,
    tables: LockedTables,
    version: u64,
}

/// The tables of one node.
#[derive(Debug, Serialize, Deserialize)]
struct NodeLocks {
    uuid: String,
    tables: Vec<(i64, bool)>,
}

/// What became of an attempt to tell the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// They know it once they know this version.
    Version(u64),
    /// One of the tables is held by another node.
    Blocked,
}

/// Tells the other nodes what sessions of this one hold. `None` if one of them holds one of the tables, which this node's
/// sessions know then; otherwise the version of [`wait_for_users`], if there may be others.
pub(crate) async fn hold_tables(instance: &Instance) -> Result<Option<u64>> {
    let Some(membership) = instance.membership() else {
        return Ok(Some(0));
    };
    Ok(match publish(instance, membership).await? {
        Told::Version(version) => Some(version),
        Told::Blocked => None,
    })
}

/// The same when a session has given tables back; what cannot be told now is told by the next tick.
pub(crate) async fn give_back_tables(instance: &Instance) {
    if let Some(membership) = instance.membership()
        && let Err(error) = publish(instance, membership).await
    {
        tracing::debug!(%error, "tables that were given back are not free on other SQL nodes yet");
    }
}

/// Waits until no other node uses one of the tables, and none will while they are held.
pub(crate) async fn wait_for_users(instance: &Instance, tables: &LockedTables, version: u64) -> Result<()> {
    match instance.membership() {
        Some(membership) => until(membership, |node| node.leaves(tables, version)).await,
        None => Ok(()),
    }
}

/// What this node's record says of locks.
pub(super) fn seen(instance: &Instance, membership: &Membership) -> SeenLocks {
    // In this order: a statement that comes after this version was noted finds the table locked.
    let version = *membership.table_locks.seen.lock();
    let in_use = instance.metadata_locks().used_among(&instance.table_locks().elsewhere());
    SeenLocks { version, in_use }
}

/// Takes over what is stored.
pub(super) async fn load(instance: &Instance, membership: &Membership) -> Result<()> {
    let transaction = membership.client().begin_unlimited(TransactionOptions::default()).await?;
    let version = version(&transaction).await?;
    let stored = Stored::read(&transaction, membership).await?;
    respect(instance, membership, stored.others, version);
    Ok(())
}

/// From here on statements of this node wait for these.
fn respect(instance: &Instance, membership: &Membership, locks: Vec<NodeLocks>, version: u64) {
    let mut tables = LockedTables::new();
    for (table, write) in locks.into_iter().flat_map(|locks| locks.tables) {
        *tables.entry(table).or_insert(false) |= write;
    }
    let mut seen = membership.table_locks.seen.lock();
    if *seen <= version {
        instance.table_locks().set_elsewhere(tables);
        *seen = version;
    }
}

/// The records.
#[derive(Default)]
struct Stored {
    /// Of other nodes that are on the list.
    others: Vec<NodeLocks>,
    /// Keys of those of nodes that are not any more.
    stale: Vec<Bytes>,
}

impl Stored {
    /// The locks of a node that is not heard of hold until it is off the list.
    async fn read(transaction: &Transaction, membership: &Membership) -> Result<Stored> {
        let mut found = Stored::default();
        let stored = pairs(transaction, keys::table_locks()).await?;
        if stored.is_empty() {
            return Ok(found);
        }
        let (own, now_ms) = (membership.uuid(), transaction.start_ts().physical());
        let nodes = list(transaction).await?;
        for (key, value) in stored {
            let locks: NodeLocks = decode(&value)?;
            let listed = match nodes.iter().find(|node| node.uuid == locks.uuid) {
                Some(node) if node.is_expired(now_ms) && node.uuid != own => !membership.expel(node).await?,
                found => found.is_some(),
            };
            if !listed {
                found.stale.push(key);
            } else if locks.uuid != own {
                found.others.push(locks);
            }
        }
        Ok(found)
    }
}

/// Makes the record of this node say what its sessions hold.
pub(super) async fn publish(instance: &Instance, membership: &Arc<Membership>) -> Result<Told> {
    let mut published = membership.table_locks.published.lock().await;
    for _ in 0..ATTEMPTS_MAX {
        let (uuid, tables) = (membership.uuid(), instance.table_locks().here());
        if published.uuid != uuid {
            // What was written under another name nobody respects any more.
            *published = Published { uuid: uuid.clone(), ..Published::default() };
        }
        if published.tables == tables {
            return Ok(Told::Version(published.version));
        }
        // Under the lease: nobody respects what comes after it.
        let mut transaction = membership.client().begin(TransactionOptions::default()).await?;
        let before = version(&transaction).await?;
        let Stored { others, stale } = Stored::read(&transaction, membership).await?;
        let blocks =
            |(table, written): &(i64, bool)| tables.get(table).is_some_and(|write| *written || *write);
        if others.iter().flat_map(|locks| &locks.tables).any(blocks) {
            respect(instance, membership, others, before);
            return Ok(Told::Blocked);
        }
        stale.into_iter().for_each(|key| transaction.delete(key));
        if tables.is_empty() {
            transaction.delete(keys::table_locks_of(&uuid));
        } else {
            let own = NodeLocks { uuid: uuid.clone(), tables: tables.clone().into_iter().collect() };
            put(&mut transaction, keys::table_locks_of(&uuid), &own)?;
        }
        put(&mut transaction, keys::table_locks_version(), &(before + 1))?;
        match transaction.commit().await {
            Ok(_) => {
                *published = Published { uuid, tables, version: before + 1 };
                return Ok(Told::Version(before + 1));
            }
            Err(error) if lost_a_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("LOCK TABLES could not tell the other SQL nodes: too many conflicts"))
}

/// With a node that leaves the list go its locks.
pub(super) async fn drop_own(transaction: &mut Transaction, uuid: &str) -> Result<()> {
    let key = keys::table_locks_of(uuid);
    if transaction.get(&key).await?.is_some() {
        let before = version(transaction).await?;
        transaction.delete(key);
        put(transaction, keys::table_locks_version(), &(before + 1))?;
    }
    Ok(())
}

async fn version(transaction: &Transaction) -> Result<u64> {
    Ok(get(transaction, &keys::table_locks_version()).await?.unwrap_or(0))
}
