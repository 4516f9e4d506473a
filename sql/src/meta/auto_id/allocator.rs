//! The counters of all tables.

use std::sync::Arc;

use dashmap::DashMap;
use rutile_kv_client::Client;
use rutile_sql_types::TypeKind;

use super::counter::{Counter, Terms};
use super::progression::Progression;
use crate::catalog::{TableId, TableInfo};
use crate::error::Result;
use crate::meta::keys;

/// AUTO_INCREMENT values one reservation takes.
const AUTO_INCREMENT_STEP: u64 = 4096;
/// Reservations that a column has room for at least: what a restart or another node leaves unused must not be felt.
const RESERVATIONS_MIN: u64 = 1024;
/// Hidden row ids one reservation takes: nobody sees their gaps.
const ROW_ID_STEP: u64 = 65_536;

/// AUTO_INCREMENT values that a running statement got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenIds {
    pub table: TableId,
    /// The least of them.
    pub first: u64,
    /// The largest explicit value of the statement itself; 0 if there is none.
    pub own: u64,
}

/// The counters this node uses.
pub struct AutoIds {
    client: Client,
    /// This node, as counters name it; `None` where it has the storage to itself.
    node: Option<u64>,
    auto_increment: DashMap<TableId, Arc<Counter>>,
    row_ids: DashMap<TableId, Arc<Counter>>,
}

impl AutoIds {
    pub fn new(client: Client, node: Option<u64>) -> Self {
        Self { client, node, auto_increment: DashMap::new(), row_ids: DashMap::new() }
    }

    /// `count` AUTO_INCREMENT values for rows of one statement; answers the first, the others follow at
    /// `progression.increment`.
    pub async fn allocate(&self, table: &TableInfo, count: u64, progression: Progression) -> Result<u64> {
        self.counter(table).allocate(&self.client, count, progression).await
    }

    /// The same for a statement that has got values already.
    pub async fn allocate_more(
        &self,
        table: &TableInfo,
        count: u64,
        progression: Progression,
    ) -> Result<u64> {
        self.counter(table).allocate_more(&self.client, count, progression).await
    }

    /// Explicit values up to `id` are about to be written: the other nodes generate larger ones from now on.
    pub async fn announce(&self, table: &TableInfo, id: u64) -> Result<()> {
        self.counter(table).announce(&self.client, id).await
    }

    /// An explicit value is about to be written: later values are greater.
    pub async fn rebase(&self, table: &TableInfo, id: u64) -> Result<()> {
        self.counter(table).rebase(&self.client, id).await
    }

    /// Whether others wrote explicit values meanwhile that may be among those a statement got.
    pub async fn overtaken(&self, given: GivenIds) -> Result<bool> {
        let counter = self.auto_increment.get(&given.table).map(|entry| Arc::clone(&entry));
        match counter {
            Some(counter) => counter.overtaken(&self.client, given.first, given.own).await,
            None => Ok(false),
        }
    }

    /// `count` hidden row ids; answers the first of them, all consecutive.
    pub async fn allocate_row_ids(&self, table: &TableInfo, count: u64) -> Result<u64> {
        let terms = || Terms { key: keys::row_id(table.id), step: ROW_ID_STEP, first: 1, node: None };
        let counter = self.row_ids.entry(table.id).or_insert_with(|| Arc::new(Counter::new(terms()))).clone();
        counter.allocate(&self.client, count, Progression::default()).await
    }

    /// The value the next INSERT would get, as `SHOW CREATE TABLE` and information_schema show it. Among several nodes
    /// all answer the same: no value that any of them gave out is larger.
    pub async fn peek(&self, table: &TableInfo) -> Result<u64> {
        self.counter(table).peek(&self.client).await
    }

    /// The table is gone: its counters are forgotten.
    pub fn forget(&self, table: TableId) {
        self.auto_increment.remove(&table);
        self.row_ids.remove(&table);
    }

    fn counter(&self, table: &TableInfo) -> Arc<Counter> {
        let terms = || Terms {
            key: keys::auto_increment(table.id),
            step: step_of(table),
            first: table.auto_increment_start.max(1),
            node: self.node,
        };
        self.auto_increment.entry(table.id).or_insert_with(|| Arc::new(Counter::new(terms()))).clone()
    }
}

fn step_of(table: &TableInfo) -> u64 {
    let largest: u64 = match table.auto_increment_column().map(|column| column.ty.kind) {
        Some(TypeKind::TinyInt) => 0x7f,
        Some(TypeKind::SmallInt) => 0x7fff,
        Some(TypeKind::MediumInt) => 0x7f_ffff,
        _ => return AUTO_INCREMENT_STEP,
    };
    (largest / RESERVATIONS_MIN).clamp(1, AUTO_INCREMENT_STEP)
}
