//! How many rows tables have, as far as this server has seen.
//!
//! A scan that read a whole table leaves its row count here, in memory; nothing is stored. It only
//! orders joins and shows in EXPLAIN, so an old or missing number costs time, never correctness.

use std::collections::HashMap;

use parking_lot::RwLock;

/// Taken for a table that was never scanned.
const UNKNOWN_TABLE_ROWS: u64 = 10_000;

/// Row counts by table id.
#[derive(Debug, Default)]
pub struct TableRows {
    seen: RwLock<HashMap<i64, u64>>,
}

impl TableRows {
    pub fn get(&self, table: i64) -> u64 {
        self.seen.read().get(&table).copied().unwrap_or(UNKNOWN_TABLE_ROWS)
    }

    pub fn observe(&self, table: i64, rows: u64) {
        self.seen.write().insert(table, rows);
    }
}
