//! The raft log in memory, which forgets what was not synced when told to crash.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use protobuf::Message as _;
use raft::eraftpb::{Entry, HardState};

use super::{RaftLog, RaftLogBatch, RaftLogOp};
use crate::{Error, RaftLogMetrics, Result};

/// Un-synced batches that can still be lost; older ones count as written back by the operating system.
const UNSYNCED_BATCHES_MAX: usize = 1024;

/// Clones share the data, so a clone kept by a test survives the store it was given to.
#[derive(Clone, Default)]
pub struct MemoryRaftLog {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: Regions,
    /// What is certain to survive.
    durable: Regions,
    /// What turns `durable` into `now`.
    unsynced: Vec<Change>,
}

type Regions = BTreeMap<u64, Region>;

#[derive(Clone, Default)]
struct Region {
    /// Without gaps.
    entries: BTreeMap<u64, Entry>,
    hard_state: Option<HardState>,
    states: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Clone)]
enum Change {
    Batch(Vec<RaftLogOp>),
    Compact { region_id: u64, index: u64 },
}

impl MemoryRaftLog {
    pub fn new() -> MemoryRaftLog {
        MemoryRaftLog::default()
    }

    /// Power loss: of the changes since the last sync only the oldest `kept` survive.
    pub fn crash(&self, kept: usize) {
        let mut state = self.state.lock();
        let unsynced = std::mem::take(&mut state.unsynced);
        for change in unsynced.into_iter().take(kept) {
            apply(&mut state.durable, &change);
        }
        state.now = state.durable.clone();
    }

    /// What a power loss at this moment would leave, as a log of its own; this one goes on.
    pub fn survivor(&self, kept: usize) -> MemoryRaftLog {
        let survivor = MemoryRaftLog::new();
        {
            let (state, mut other) = (self.state.lock(), survivor.state.lock());
            other.durable = state.durable.clone();
            other.unsynced = state.unsynced.clone();
        }
        survivor.crash(kept);
        survivor
    }
}

impl State {
    fn change(&mut self, change: Change, sync: bool) {
        apply(&mut self.now, &change);
        self.unsynced.push(change);
        let settled =
            if sync { self.unsynced.len() } else { self.unsynced.len().saturating_sub(UNSYNCED_BATCHES_MAX) };
        for change in self.unsynced.drain(..settled) {
            apply(&mut self.durable, &change);
        }
    }
}

fn apply(regions: &mut Regions, change: &Change) {
    let ops = match change {
        Change::Batch(ops) => ops,
        Change::Compact { region_id, index } => {
            if let Some(region) = regions.get_mut(region_id) {
                region.entries = region.entries.split_off(index);
            }
            return;
        }
    };
    for op in ops {
        match op {
            RaftLogOp::Append { region_id, entries } => {
                let region = regions.entry(*region_id).or_default();
                if let Some(first) = entries.first() {
                    region.entries.split_off(&first.index);
                }
                region.entries.extend(entries.iter().map(|entry| (entry.index, entry.clone())));
            }
            RaftLogOp::HardState { region_id, state } => {
                regions.entry(*region_id).or_default().hard_state = Some(state.clone());
            }
            RaftLogOp::State { region_id, key, value } => {
                regions.entry(*region_id).or_default().states.insert(key.clone(), value.clone());
            }
            RaftLogOp::DeleteState { region_id, key } => {
                if let Some(region) = regions.get_mut(region_id) {
                    region.states.remove(key);
                }
            }
            RaftLogOp::Clean { region_id } => {
                regions.remove(region_id);
            }
        }
    }
}

/// Refuses a batch that would leave a hole or rewrite the compacted part of a log; shared by both raft logs.
/// `bounds` answers first and last index of a region's log.
pub(super) fn check_contiguous(
    batch: &RaftLogBatch,
    bounds: impl Fn(u64) -> Option<(u64, u64)>,
) -> Result<()> {
    let mut known = BTreeMap::<u64, Option<(u64, u64)>>::new();
    for op in batch.ops() {
        match op {
            RaftLogOp::Clean { region_id } => {
                known.insert(*region_id, None);
            }
            RaftLogOp::Append { region_id, entries } => {
                let region_id = *region_id;
                let mut log = *known.entry(region_id).or_insert_with(|| bounds(region_id));
                for (position, entry) in entries.iter().enumerate() {
                    let index = entry.index;
                    log = match log {
                        Some((first, last))
                            if index < first || index > last + 1 || (position > 0 && index != last + 1) =>
                        {
                            return Err(Error::NotContiguous { region_id, index, first, last });
                        }
                        Some((first, _)) => Some((first, index)),
                        None => Some((index, index)),
                    };
                }
                known.insert(region_id, log);
            }
            RaftLogOp::HardState { .. } | RaftLogOp::State { .. } | RaftLogOp::DeleteState { .. } => {}
        }
    }
    Ok(())
}

/// Checks `[low, high)` against what a log has.
pub(super) fn check_range(region_id: u64, low: u64, high: u64, log: Option<(u64, u64)>) -> Result<()> {
    match log {
        Some((first, _)) if low < first => Err(Error::Compacted { region_id, index: low, first }),
        Some((_, last)) if high > last + 1 => Err(Error::Unavailable { region_id, index: high - 1, last }),
        None => Err(Error::Unavailable { region_id, index: low, last: 0 }),
        Some(_) => Ok(()),
    }
}

impl RaftLog for MemoryRaftLog {
    fn append(&self, batch: RaftLogBatch, sync: bool) -> Result<()> {
        let mut state = self.state.lock();
        check_contiguous(&batch, |region_id| bounds(&state.now, region_id))?;
        state.change(Change::Batch(batch.into_ops()), sync);
        Ok(())
    }

    fn entries(&self, region_id: u64, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>> {
        if low >= high {
            return Ok(Vec::new());
        }
        let state = self.state.lock();
        check_range(region_id, low, high, bounds(&state.now, region_id))?;
        let mut entries = Vec::new();
        let mut bytes = 0;
        for entry in state.now.get(&region_id).into_iter().flat_map(|region| region.entries.range(low..high))
        {
            bytes += u64::from(entry.1.compute_size());
            if bytes > max_bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry.1.clone());
        }
        Ok(entries)
    }

    fn first_index(&self, region_id: u64) -> Option<u64> {
        bounds(&self.state.lock().now, region_id).map(|(first, _)| first)
    }

    fn last_index(&self, region_id: u64) -> Option<u64> {
        bounds(&self.state.lock().now, region_id).map(|(_, last)| last)
    }

    fn term(&self, region_id: u64, index: u64) -> Result<u64> {
        let state = self.state.lock();
        check_range(region_id, index, index + 1, bounds(&state.now, region_id))?;
        let entry = state.now.get(&region_id).and_then(|region| region.entries.get(&index));
        Ok(entry.map(|entry| entry.term).unwrap_or_default())
    }

    fn hard_state(&self, region_id: u64) -> Result<Option<HardState>> {
        Ok(self.state.lock().now.get(&region_id).and_then(|region| region.hard_state.clone()))
    }

    fn compact_to(&self, region_id: u64, index: u64) -> Result<()> {
        self.state.lock().change(Change::Compact { region_id, index }, false);
        Ok(())
    }

    fn region_ids(&self) -> Vec<u64> {
        self.state.lock().now.keys().copied().collect()
    }

    fn get_state(&self, region_id: u64, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.state.lock().now.get(&region_id).and_then(|region| region.states.get(key).cloned()))
    }

    fn sync(&self) -> Result<()> {
        self.state.lock().change(Change::Batch(Vec::new()), true);
        Ok(())
    }

    fn purge(&self) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }

    fn metrics(&self) -> RaftLogMetrics {
        let state = self.state.lock();
        let entries = state.now.values().flat_map(|region| region.entries.values());
        let bytes = entries.map(|entry| u64::from(entry.compute_size())).sum();
        RaftLogMetrics { disk_bytes: 0, cache_bytes: bytes, regions: state.now.len() as u64 }
    }
}

fn bounds(regions: &Regions, region_id: u64) -> Option<(u64, u64)> {
    let entries = &regions.get(&region_id)?.entries;
    Some((*entries.first_key_value()?.0, *entries.last_key_value()?.0))
}
