//! Iterators that own the snapshot they walk.

use std::sync::Arc;

use rocksdb::{DBRawIteratorWithThreadMode, ReadOptions};
use rutile_kv_types::Cf;
use self_cell::self_cell;

use super::Db;
use super::snapshot::SnapshotCell;
use crate::{EngineIterator, IterOptions, Result};

type DbIterator<'a> = DBRawIteratorWithThreadMode<'a, Db>;

self_cell!(
    struct IteratorCell {
        owner: Arc<SnapshotCell>,
        #[covariant]
        dependent: DbIterator,
    }
);

pub(super) struct RocksIterator {
    cell: IteratorCell,
}

impl RocksIterator {
    pub(super) fn new(snapshot: Arc<SnapshotCell>, cf: Cf, options: IterOptions) -> RocksIterator {
        let by_prefix = options.prefix_same_as_start && cf == Cf::Write;
        let mut read_options = ReadOptions::default();
        // Without it, a seek in a column family with a prefix extractor finds only keys of the seek key's prefix.
        read_options.set_total_order_seek(!by_prefix);
        read_options.set_prefix_same_as_start(by_prefix);
        read_options.fill_cache(options.fill_cache);
        if let Some(lower) = options.lower {
            read_options.set_iterate_lower_bound(lower);
        }
        if let Some(upper) = options.upper {
            read_options.set_iterate_upper_bound(upper);
        }
        let cell = IteratorCell::new(snapshot, |snapshot| {
            let family = snapshot.borrow_owner().family(cf);
            snapshot.borrow_dependent().raw_iterator_cf_opt(family, read_options)
        });
        RocksIterator { cell }
    }

    /// Moves, then tells whether the cursor is on a pair; an invalid cursor may hide an error.
    fn step(&mut self, step: impl FnOnce(&mut DbIterator<'_>)) -> Result<bool> {
        self.cell.with_dependent_mut(|snapshot, iterator| {
            step(iterator);
            if iterator.valid() {
                return Ok(true);
            }
            iterator.status().map_err(|error| snapshot.borrow_owner().error(error))?;
            Ok(false)
        })
    }
}

impl EngineIterator for RocksIterator {
    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.step(|iterator| iterator.seek(key))
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        self.step(|iterator| iterator.seek_for_prev(key))
    }

    fn seek_to_first(&mut self) -> Result<bool> {
        self.step(|iterator| iterator.seek_to_first())
    }

    fn seek_to_last(&mut self) -> Result<bool> {
        self.step(|iterator| iterator.seek_to_last())
    }

    fn next(&mut self) -> Result<bool> {
        if !self.valid() {
            return Ok(false);
        }
        self.step(|iterator| iterator.next())
    }

    fn prev(&mut self) -> Result<bool> {
        if !self.valid() {
            return Ok(false);
        }
        self.step(|iterator| iterator.prev())
    }

    fn valid(&self) -> bool {
        self.cell.borrow_dependent().valid()
    }

    fn key(&self) -> &[u8] {
        self.cell.borrow_dependent().key().unwrap_or_default()
    }

    fn value(&self) -> &[u8] {
        self.cell.borrow_dependent().value().unwrap_or_default()
    }
}
