//! Snapshots that own what they read from.

use std::sync::Arc;

use bytes::Bytes;
use rocksdb::SnapshotWithThreadMode;
use rutile_kv_types::Cf;
use self_cell::self_cell;

use super::Db;
use super::engine::Shared;
use super::iterator::RocksIterator;
use crate::{EngineIterator, IterOptions, Result, Snapshot};

type DbSnapshot<'a> = SnapshotWithThreadMode<'a, Db>;

self_cell!(
    /// A snapshot together with the database it borrows from.
    pub(super) struct SnapshotCell {
        owner: Arc<Shared>,
        #[covariant]
        dependent: DbSnapshot,
    }
);

pub(super) struct RocksSnapshot {
    cell: Arc<SnapshotCell>,
}

impl RocksSnapshot {
    pub(super) fn new(shared: Arc<Shared>) -> RocksSnapshot {
        RocksSnapshot { cell: Arc::new(SnapshotCell::new(shared, |shared| DbSnapshot::new(shared.db()))) }
    }
}

impl Snapshot for RocksSnapshot {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>> {
        let shared = self.cell.borrow_owner();
        let pinned = self.cell.borrow_dependent().get_pinned_cf(shared.family(cf), key);
        let pinned = pinned.map_err(|error| shared.error(error))?;
        Ok(pinned.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let shared = self.cell.borrow_owner();
        let pinned = self.cell.borrow_dependent().get_pinned_cf(shared.family(cf), key);
        let pinned = pinned.map_err(|error| shared.error(error))?;
        Ok(pinned.map(|value| visit(&value)).is_some())
    }

    fn iter(&self, cf: Cf, options: IterOptions) -> Box<dyn EngineIterator> {
        Box::new(RocksIterator::new(self.cell.clone(), cf, options))
    }
}
