//! The stored rows of one table, in the order of an access path, for those who look at them one by one.
//!
//! Points become gets, intervals of the primary key scans of records, and an index a scan of its entries whose
//! rows are fetched in batches. Own writes of the transaction are seen, because the reader merges them. What
//! a row is worth, and when there are enough, is for the caller to say.

use std::ops::ControlFlow;

use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_kv_types::KeyRange;
use rutile_sql_types::MySqlError;

use super::snapshot_reader::SnapshotReader;
use crate::catalog::{IndexInfo, TableInfo};
use crate::codec::{index_entry, record_key};
use crate::distsql::from_storage;
use crate::planner::access_path::AccessPath;

/// Index entries whose rows are fetched together.
const LOOKUP_BATCH: usize = 256;

/// Gets a row's record key and its stored value, and says whether to go on.
pub type Visit<'v> = dyn FnMut(&Bytes, &Bytes) -> Result<ControlFlow<()>, MySqlError> + Send + 'v;

/// Which rows, and in which order.
pub struct RowWalk<'t> {
    pub table: &'t TableInfo,
    pub path: &'t AccessPath,
    /// How record ranges are scanned; `reverse` goes through the ranges from the last to the first as well.
    pub records: ScanOptions,
}

impl RowWalk<'_> {
    /// Visits rows until there are no more or the visitor has enough.
    pub async fn run(&self, reader: &SnapshotReader<'_>, visit: &mut Visit<'_>) -> Result<(), MySqlError> {
        self.walk(reader, visit).await.map(drop)
    }

    async fn walk(
        &self,
        reader: &SnapshotReader<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, MySqlError> {
        match self.path {
            AccessPath::Records { ranges } if ranges.is_all_points() => {
                if let [range] = ranges.ranges.as_slice() {
                    return fetch_one(reader, &range.start, visit).await;
                }
                let keys = ranges.ranges.iter().map(|range| range.start.clone()).collect();
                return fetch(reader, keys, visit).await;
            }
            AccessPath::Full { .. } | AccessPath::Records { .. } => {
                let mut ranges = self.path.ranges();
                if self.records.reverse {
                    ranges.reverse();
                }
                for range in ranges {
                    if self.scan_records(reader, range, visit).await?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            AccessPath::Index { index, ranges } => {
                let index = self.table.indexes.get(*index).ok_or_else(|| {
                    MySqlError::internal("an access path through an index that is not there")
                })?;
                let unique = index.unique && ranges.is_all_points();
                for range in &ranges.ranges {
                    if self.look_up(reader, index, unique, range, visit).await?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn scan_records(
        &self,
        reader: &SnapshotReader<'_>,
        range: KeyRange,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, MySqlError> {
        let mut scanner = reader.scan(range, self.records.clone());
        while let Some((key, stored)) = scanner.next().await.map_err(from_storage)? {
            if visit(&key, &stored)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn look_up(
        &self,
        reader: &SnapshotReader<'_>,
        index: &IndexInfo,
        unique: bool,
        range: &KeyRange,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, MySqlError> {
        // A unique key without NULLs is the whole key of its entry. With NULLs the entry's key goes on, and only
        // a scan finds it.
        if unique && let Some(value) = reader.get(&range.start).await? {
            let key = self.record_key(index, &range.start, &value)?;
            return fetch_one(reader, &key, visit).await;
        }
        let mut entries = reader.scan(range.clone(), ScanOptions::default());
        let mut ended = false;
        while !ended {
            let mut keys = Vec::new();
            while keys.len() < LOOKUP_BATCH {
                let Some((key, value)) = entries.next().await.map_err(from_storage)? else {
                    ended = true;
                    break;
                };
                keys.push(self.record_key(index, &key, &value)?);
            }
            if fetch(reader, keys, visit).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The key of the row that an index entry names.
    fn record_key(&self, index: &IndexInfo, key: &[u8], value: &[u8]) -> Result<Bytes, MySqlError> {
        let handle =
            index_entry::handle_of_entry(self.table, index, key, value).map_err(MySqlError::internal)?;
        Ok(Bytes::from(record_key::record_key(self.table.id, &handle)))
    }
}

/// One row by its key.
async fn fetch_one(
    reader: &SnapshotReader<'_>,
    key: &Bytes,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, MySqlError> {
    match reader.get(key).await? {
        Some(stored) => visit(key, &stored),
        None => Ok(ControlFlow::Continue(())),
    }
}

/// Rows by their keys, in the order of the keys.
async fn fetch(
    reader: &SnapshotReader<'_>,
    keys: Vec<Bytes>,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, MySqlError> {
    for (key, stored) in reader.get_all(keys).await? {
        if visit(&key, &stored)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
