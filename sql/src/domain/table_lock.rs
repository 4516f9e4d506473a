//! LOCK TABLES: whole tables held for one session against all others.
//!
//! What sessions of other SQL nodes hold is told by `cluster/table_locks.rs`. A statement of another session that comes to a held table stops before it has done anything and runs again once
//! the table is free. A session that holds tables may use only those. Who waits for a table holds none: all tables
//! of one LOCK TABLES are taken together. Not covered: DDL of other sessions.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::catalog::TableId;

/// Who holds one table.
#[derive(Debug, Default)]
struct Holders {
    readers: Vec<u64>,
    writer: Option<u64>,
}

impl Holders {
    fn blocks(&self, session: u64, write: bool) -> bool {
        self.writer.is_some_and(|writer| writer != session)
            || (write && self.readers.iter().any(|reader| *reader != session))
    }
}

/// Tables and whether they are held to be written.
pub type LockedTables = BTreeMap<TableId, bool>;

#[derive(Debug, Default)]
struct Held {
    here: HashMap<TableId, Holders>,
    /// By sessions of other nodes.
    elsewhere: LockedTables,
}

impl Held {
    fn blocks(&self, session: u64, table: TableId, write: bool) -> bool {
        self.here.get(&table).is_some_and(|holders| holders.blocks(session, write))
            || self.elsewhere.get(&table).is_some_and(|written| *written || write)
    }

    fn len(&self) -> usize {
        self.here.len() + self.elsewhere.len()
    }
}

/// The tables that sessions hold.
#[derive(Debug, Default)]
pub struct TableLocks {
    held: Mutex<Held>,
    /// How many tables are held, so that nobody looks while there are none.
    count: AtomicUsize,
    released: Notify,
}

impl TableLocks {
    /// Whether `session` has to wait before it uses the table.
    pub fn blocks(&self, session: u64, table: TableId, write: bool) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.held.lock().blocks(session, table, write)
    }

    /// Takes all of these tables (and whether to write) or none; false if one is held by another session.
    pub fn take(&self, session: u64, tables: &HashMap<TableId, bool>) -> bool {
        let mut held = self.held.lock();
        if tables.iter().any(|(table, write)| held.blocks(session, *table, *write)) {
            return false;
        }
        for (table, write) in tables {
            let holders = held.here.entry(*table).or_default();
            if *write {
                holders.writer = Some(session);
            } else {
                holders.readers.push(session);
            }
        }
        self.count.store(held.len(), Ordering::Release);
        true
    }

    /// Gives all tables of the session back.
    pub fn release(&self, session: u64) {
        let mut held = self.held.lock();
        held.here.retain(|_, holders| {
            holders.readers.retain(|reader| *reader != session);
            holders.writer = holders.writer.filter(|writer| *writer != session);
            holders.writer.is_some() || !holders.readers.is_empty()
        });
        self.count.store(held.len(), Ordering::Release);
        drop(held);
        self.released.notify_waiters();
    }

    /// What sessions of this node hold.
    pub fn here(&self) -> LockedTables {
        if self.count.load(Ordering::Acquire) == 0 {
            return LockedTables::new();
        }
        let held = self.held.lock();
        held.here.iter().map(|(table, holders)| (*table, holders.writer.is_some())).collect()
    }

    /// What sessions of other nodes hold from now on.
    pub fn set_elsewhere(&self, tables: LockedTables) {
        let mut held = self.held.lock();
        if held.elsewhere == tables {
            return;
        }
        held.elsewhere = tables;
        self.count.store(held.len(), Ordering::Release);
        drop(held);
        self.released.notify_waiters();
    }

    /// The tables that sessions of other nodes hold.
    pub fn elsewhere(&self) -> Vec<TableId> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        self.held.lock().elsewhere.keys().copied().collect()
    }

    /// Completes at the next release after it was asked for.
    pub fn released(&self) -> Notified<'_> {
        self.released.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_and_a_writer_is_alone() {
        let locks = TableLocks::default();
        assert!(locks.take(1, &HashMap::from([(7, false)])));
        assert!(locks.take(2, &HashMap::from([(7, false)])));
        assert!(!locks.take(3, &HashMap::from([(8, true), (7, true)])));
        assert!(!locks.blocks(3, 8, true), "none of several is taken unless all are");
        assert!(!locks.blocks(3, 7, false));
        assert!(locks.blocks(3, 7, true));
        locks.release(1);
        assert!(!locks.blocks(2, 7, true), "its own lock does not keep a session out");
        locks.release(2);
        assert!(locks.take(3, &HashMap::from([(7, true)])));
        assert!(locks.blocks(1, 7, false));
    }

    #[test]
    fn sessions_of_other_nodes_count_too() {
        let locks = TableLocks::default();
        locks.set_elsewhere(LockedTables::from([(7, false), (8, true)]));
        assert!(locks.blocks(1, 7, true) && !locks.blocks(1, 7, false));
        assert!(locks.blocks(1, 8, false));
        assert!(!locks.take(1, &HashMap::from([(8, false)])));
        assert!(locks.take(1, &HashMap::from([(7, false)])));
        assert_eq!(locks.here(), LockedTables::from([(7, false)]));
        locks.set_elsewhere(LockedTables::new());
        assert!(!locks.blocks(2, 8, true) && locks.blocks(2, 7, true));
    }
}
