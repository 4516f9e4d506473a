//! What the others know of a node.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::catalog::TableId;
use crate::domain::LockedTables;

/// Largest id of a node: twelve bits of a connection id.
pub const NODE_ID_MAX: u32 = 4095;

/// The parts of older catalogs that a node's statements and transactions still use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSchema {
    /// The oldest version under a running statement whose tables are not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<i64>,
    /// Tables that have changed since, with the oldest version each is used at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<(TableId, i64)>,
}

/// What a node knows of LOCK TABLES on others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLocks {
    /// New statements of it respect the locks of this version.
    pub version: u64,
    /// Tables that others hold and that its statements and transactions still use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_use: Vec<TableId>,
}

impl SeenLocks {
    fn is_none(&self) -> bool {
        *self == SeenLocks::default()
    }
}

/// A node in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub id: u32,
    /// Another one at every start: a node that comes again is another node.
    pub uuid: String,
    pub name: String,
    /// The lease ends with this millisecond of PD's timestamps.
    pub expires_ms: u64,
    /// The catalog that new statements of it use.
    pub schema_version: i64,
    #[serde(default)]
    pub held: HeldSchema,
    #[serde(default, skip_serializing_if = "SeenLocks::is_none")]
    pub locks: SeenLocks,
}

impl NodeRecord {
    /// Whether its lease has ended at this millisecond.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        now_ms > self.expires_ms
    }

    /// Whether nothing on the node uses one of these tables, and nothing will while the lock of `version` is held.
    pub fn leaves(&self, tables: &LockedTables, version: u64) -> bool {
        self.locks.version >= version && !self.locks.in_use.iter().any(|table| tables.contains_key(table))
    }

    /// Whether nothing on the node uses `table` as it was before `version`, and nothing will.
    pub fn is_clear(&self, table: TableId, version: i64) -> bool {
        self.schema_version >= version
            && self.held.binding.is_none_or(|binding| binding >= version)
            && self.held.tables.iter().all(|(held, used)| *held != table || *used >= version)
    }
}

/// The id of the next node: ids go round, so that one is not given again soon. `None` when all are taken.
pub(super) fn next_id(last: u32, taken: &BTreeSet<u32>) -> Option<u32> {
    let after = last % NODE_ID_MAX + 1;
    (after..=NODE_ID_MAX).chain(1..after).find(|id| !taken.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(schema_version: i64, held: HeldSchema) -> NodeRecord {
        NodeRecord {
            id: 1,
            uuid: "u".to_owned(),
            name: "n".to_owned(),
            expires_ms: 100,
            schema_version,
            held,
            locks: SeenLocks::default(),
        }
    }

    #[test]
    fn a_node_leaves_tables_when_it_knows_the_lock_and_uses_none() {
        let mut record = record(1, HeldSchema::default());
        let tables = LockedTables::from([(7, true)]);
        assert!(!record.leaves(&tables, 3), "it does not know of the lock");
        record.locks = SeenLocks { version: 3, in_use: vec![7] };
        assert!(!record.leaves(&tables, 3));
        record.locks.in_use = vec![8];
        assert!(record.leaves(&tables, 3));
    }

    #[test]
    fn a_node_is_clear_of_a_table_when_nothing_uses_it_as_it_was() {
        assert!(!record(4, HeldSchema::default()).is_clear(7, 5), "new statements would use the old one");
        assert!(record(5, HeldSchema::default()).is_clear(7, 5));
        let held = HeldSchema { binding: None, tables: vec![(7, 4), (8, 2)] };
        assert!(!record(6, held.clone()).is_clear(7, 5));
        assert!(record(6, held.clone()).is_clear(7, 4));
        assert!(record(6, held).is_clear(9, 6), "other tables do not matter");
        let binding = HeldSchema { binding: Some(4), tables: Vec::new() };
        assert!(!record(6, binding).is_clear(9, 5), "it may turn out to use any table");
    }

    #[test]
    fn ids_go_round_and_skip_those_in_use() {
        assert_eq!(next_id(0, &BTreeSet::new()), Some(1));
        assert_eq!(next_id(1, &BTreeSet::from([2, 3])), Some(4));
        assert_eq!(next_id(NODE_ID_MAX, &BTreeSet::from([1])), Some(2));
        assert_eq!(next_id(5, &(1..=NODE_ID_MAX).collect()), None);
    }

    #[test]
    fn a_lease_ends_with_its_last_millisecond() {
        let record = record(1, HeldSchema::default());
        assert!(!record.is_expired(100));
        assert!(record.is_expired(101));
    }
}
