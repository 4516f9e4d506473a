//! LOCK TABLES: whole tables held for one session against all others of this SQL node.
//!
//! A statement of another session that comes to a held table stops before it has done anything and runs again once
//! the table is free. A session that holds tables may use only those. Who waits for a table holds none: all tables
//! of one LOCK TABLES are taken together. Not covered: DDL of other sessions, and other SQL nodes.

use std::collections::HashMap;
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

/// The tables that sessions of this node hold.
#[derive(Debug, Default)]
pub struct TableLocks {
    held: Mutex<HashMap<TableId, Holders>>,
    /// How many tables are held, so that nobody looks while there are none.
    count: AtomicUsize,
    released: Notify,
}

impl TableLocks {
    /// Whether `session` has to wait before it uses the table.
    pub fn blocks(&self, session: u64, table: TableId, write: bool) -> bool {
        self.count.load(Ordering::Acquire) > 0
            && self.held.lock().get(&table).is_some_and(|holders| holders.blocks(session, write))
    }

    /// Takes all of these tables (and whether to write) or none; false if one is held by another session.
    pub fn take(&self, session: u64, tables: &HashMap<TableId, bool>) -> bool {
        let mut held = self.held.lock();
        let blocked =
            |(table, write): (&TableId, &bool)| held.get(table).is_some_and(|h| h.blocks(session, *write));
        if tables.iter().any(blocked) {
            return false;
        }
        for (table, write) in tables {
            let holders = held.entry(*table).or_default();
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
        held.retain(|_, holders| {
            holders.readers.retain(|reader| *reader != session);
            holders.writer = holders.writer.filter(|writer| *writer != session);
            holders.writer.is_some() || !holders.readers.is_empty()
        });
        self.count.store(held.len(), Ordering::Release);
        drop(held);
        self.released.notify_waiters();
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
}
