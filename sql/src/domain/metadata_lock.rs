//! Who uses which table definition, so that a DDL step can wait for the users of older ones.
//!
//! The F1 states are safe only if no two nodes, and no two statements of one node, are more than one
//! state apart. A statement counts as a user of every table until its tables are known, then of those; a
//! transaction keeps the tables it touched until it ends. This is MySQL's metadata lock with the
//! waiting on the DDL's side only: statements never wait for a DDL.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::Notify;

use crate::catalog::{InfoSchema, TableId, TableInfo};
use crate::cluster::HeldSchema;

/// Uses of one session.
#[derive(Debug, Default)]
struct Uses {
    /// The schema version of a running statement whose tables are not known yet.
    binding: Option<i64>,
    /// Tables, few as a rule, and the schema version that each was used at.
    tables: SmallVec<[(TableId, i64); 4]>,
}

impl Uses {
    fn version_of(&self, table: TableId) -> Option<i64> {
        self.tables.iter().find(|(used, _)| *used == table).map(|(_, version)| *version)
    }
}

#[derive(Debug, Default)]
pub struct MetadataLocks {
    uses: Mutex<hashbrown::HashMap<u64, Uses>>,
    released: Notify,
}

impl MetadataLocks {
    /// Starts a statement of `session`: from here to the end of it (or of its transaction) DDL waits for what it
    /// uses. The snapshot is taken under the registry's lock, so a DDL that publishes later sees the use.
    pub fn enter(
        self: &Arc<Self>,
        session: u64,
        current: impl FnOnce() -> Arc<InfoSchema>,
    ) -> (Arc<InfoSchema>, SchemaUse) {
        let mut uses = self.uses.lock();
        let schema = current();
        let entry = uses.entry(session).or_default();
        entry.binding = Some(schema.version());
        drop(uses);
        (schema, SchemaUse { locks: Arc::clone(self), session, transaction_open: true })
    }

    /// The statement uses this table.
    pub fn use_table(&self, session: u64, table: &TableInfo, version: i64) {
        let mut uses = self.uses.lock();
        let entry = uses.entry(session).or_default();
        if entry.version_of(table.id).is_none() {
            entry.tables.push((table.id, version));
        }
    }

    /// The session's transaction, or the running statement, uses this table already.
    pub fn uses_table(&self, session: u64, table: TableId) -> bool {
        self.uses.lock().get(&session).is_some_and(|entry| entry.version_of(table).is_some())
    }

    /// The statement does not use the table after all: it was told to wait.
    pub fn stop_using(&self, session: u64, table: TableId) {
        if let Some(entry) = self.uses.lock().get_mut(&session) {
            entry.tables.retain(|(used, _)| *used != table);
        }
        self.released.notify_waiters();
    }

    /// Which of these tables are in use.
    pub fn used_among(&self, tables: &[TableId]) -> Vec<TableId> {
        if tables.is_empty() {
            return Vec::new();
        }
        let uses = self.uses.lock();
        let used = |table: &TableId| uses.values().any(|entry| entry.version_of(*table).is_some());
        tables.iter().copied().filter(used).collect()
    }

    /// The transaction of `session` ended: it holds no table any more.
    pub fn release_transaction(&self, session: u64) {
        self.uses.lock().remove(&session);
        self.released.notify_waiters();
    }

    /// True once nobody uses `table` as it was before `version`.
    fn is_free(&self, table: TableId, version: i64) -> bool {
        let uses = self.uses.lock();
        uses.values().all(|entry| {
            entry.binding.is_none_or(|binding| binding >= version)
                && entry.version_of(table).is_none_or(|used| used >= version)
        })
    }

    /// What of catalogs older than `schema` is in use.
    pub fn held(&self, schema: &InfoSchema) -> HeldSchema {
        let mut binding: Option<i64> = None;
        let mut tables: BTreeMap<TableId, i64> = BTreeMap::new();
        for entry in self.uses.lock().values() {
            if let Some(version) = entry.binding.filter(|version| *version < schema.version()) {
                binding = Some(binding.map_or(version, |oldest| oldest.min(version)));
            }
            for (table, used) in &entry.tables {
                if schema.table_by_id(*table).is_none_or(|info| info.version > *used) {
                    let oldest = tables.entry(*table).or_insert(*used);
                    *oldest = (*oldest).min(*used);
                }
            }
        }
        HeldSchema { binding, tables: tables.into_iter().collect() }
    }

    /// Waits until no other session's statement or transaction uses one of the tables.
    pub async fn wait_for_others(&self, session: u64, tables: &HashMap<TableId, bool>) {
        loop {
            let released = self.released.notified();
            let used = self.uses.lock().iter().any(|(other, entry)| {
                *other != session && entry.tables.iter().any(|(table, _)| tables.contains_key(table))
            });
            if !used {
                return;
            }
            released.await;
        }
    }

    /// Waits until nobody uses `table` as it was before `version`.
    pub async fn wait_for_older(&self, table: TableId, version: i64) {
        loop {
            let released = self.released.notified();
            if self.is_free(table, version) {
                return;
            }
            released.await;
        }
    }
}

/// A running statement's registration; dropping it ends the statement.
#[derive(Debug)]
pub struct SchemaUse {
    locks: Arc<MetadataLocks>,
    session: u64,
    /// The tables stay registered: a transaction that outlives the statement is open.
    transaction_open: bool,
}

impl SchemaUse {
    /// Says whether a transaction is open that goes on using the statement's tables.
    pub fn set_transaction_open(&mut self, open: bool) {
        self.transaction_open = open;
    }
}

impl Drop for SchemaUse {
    fn drop(&mut self) {
        let mut uses = self.locks.uses.lock();
        if self.transaction_open {
            if let Some(entry) = uses.get_mut(&self.session) {
                entry.binding = None;
            }
        } else {
            uses.remove(&self.session);
        }
        drop(uses);
        self.locks.released.notify_waiters();
    }
}
