//! The memory engine itself and its snapshots.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use rutile_kv_env::Disk;
use rutile_kv_types::Cf;

use super::checkpoint;
use super::iterator::MemoryIterator;
use super::store::{Sequence, Store, upper_bound};
use crate::engine::Engine;
use crate::{EngineIterator, EngineMetrics, Error, IterOptions, Result, Snapshot, WriteBatch};

/// A state engine in memory. Clones share the data, so a clone kept by a test survives the store it was given to.
#[derive(Clone, Default)]
pub struct MemoryEngine {
    store: Arc<RwLock<Store>>,
    disk: Option<Arc<dyn Disk>>,
}

impl MemoryEngine {
    pub fn new() -> MemoryEngine {
        MemoryEngine::default()
    }

    /// An engine that can write checkpoints, to the disk of an environment.
    pub fn with_disk(disk: Arc<dyn Disk>) -> MemoryEngine {
        MemoryEngine { store: Arc::default(), disk: Some(disk) }
    }

    /// Reads a directory that [`Engine::checkpoint`] wrote.
    pub fn open_checkpoint(disk: Arc<dyn Disk>, dir: &Path) -> Result<MemoryEngine> {
        let engine = MemoryEngine::with_disk(disk.clone());
        engine.write(checkpoint::read(&*disk, dir)?, true)?;
        Ok(engine)
    }

    /// Power loss: of the batches since the last sync only the oldest `kept` survive. Snapshots taken before still
    /// see what they saw.
    pub fn crash(&self, kept: usize) {
        self.store.write().crash(kept);
    }

    /// What a power loss at this moment would leave, as an engine of its own; this one goes on.
    pub fn survivor(&self, kept: usize) -> MemoryEngine {
        let survivor = self.store.read().survivor(kept);
        MemoryEngine { store: Arc::new(RwLock::new(survivor)), disk: self.disk.clone() }
    }

    /// Every pair, in order of family and key; for comparisons in tests.
    pub fn dump(&self) -> Vec<(Cf, Bytes, Bytes)> {
        let store = self.store.read();
        let mut pairs = Vec::new();
        for cf in Cf::ALL {
            let mut from: Option<Bytes> = None;
            let start = |from: &Option<Bytes>| {
                from.as_ref().map_or(Bound::Unbounded, |key| Bound::Excluded(key.clone()))
            };
            while let Some((key, value)) =
                store.next(cf, start(&from).as_ref().map(Bytes::as_ref), Bound::Unbounded, store.sequence())
            {
                from = Some(key.clone());
                pairs.push((cf, key, value));
            }
        }
        pairs
    }

    /// Sums `measure` over the pairs of a range.
    fn sum(&self, cf: Cf, start: &[u8], end: &[u8], measure: fn(&Bytes, &Bytes) -> u64) -> u64 {
        let store = self.store.read();
        let (mut total, mut next) =
            (0, store.next(cf, Bound::Included(start), upper_bound(end), store.sequence()));
        while let Some((key, value)) = next {
            total += measure(&key, &value);
            next = store.next(cf, Bound::Excluded(&key), upper_bound(end), store.sequence());
        }
        total
    }
}

impl Engine for MemoryEngine {
    fn snapshot(&self) -> Box<dyn Snapshot> {
        let sequence = self.store.write().acquire();
        Box::new(MemorySnapshot { view: View { store: self.store.clone(), sequence } })
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        self.store.write().write(&batch, sync);
        Ok(())
    }

    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>> {
        let store = self.store.read();
        Ok(store.get(cf, key, store.sequence()).cloned())
    }

    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.get(cf, key)?;
        // The lock is released: the visitor may call back.
        Ok(value.map(|value| visit(&value)).is_some())
    }

    fn flush(&self) -> Result<()> {
        self.store.write().sync();
        Ok(())
    }

    fn delete_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.delete_range(cf, start, end);
        self.write(batch, false)
    }

    fn destroy_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.delete_range(cf, start, end)
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        match &self.disk {
            Some(disk) => checkpoint::write(&**disk, dir, &self.dump()),
            None => Err(Error::Unsupported { engine: "memory", operation: "checkpoint without a disk" }),
        }
    }

    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        Ok(self.sum(cf, start, end, |key, value| (key.len() + value.len()) as u64))
    }

    fn approximate_keys(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        Ok(self.sum(cf, start, end, |_, _| 1))
    }

    fn metrics(&self) -> EngineMetrics {
        let store = self.store.read();
        EngineMetrics {
            memtable_bytes: store.bytes(),
            snapshots: store.snapshots(),
            keys_estimate: store.keys(),
            ..EngineMetrics::default()
        }
    }
}

/// A sequence that stays readable while this lives.
pub(super) struct View {
    pub(super) store: Arc<RwLock<Store>>,
    pub(super) sequence: Sequence,
}

impl Clone for View {
    fn clone(&self) -> View {
        self.store.write().share(self.sequence);
        View { store: self.store.clone(), sequence: self.sequence }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.store.write().release(self.sequence);
    }
}

struct MemorySnapshot {
    view: View,
}

impl Snapshot for MemorySnapshot {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.view.store.read().get(cf, key, self.view.sequence).cloned())
    }

    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.get(cf, key)?;
        Ok(value.map(|value| visit(&value)).is_some())
    }

    fn iter(&self, cf: Cf, options: IterOptions) -> Box<dyn EngineIterator> {
        Box::new(MemoryIterator::new(self.view.clone(), cf, options))
    }
}
