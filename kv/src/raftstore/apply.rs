//! The apply loop: committed entries become changes of the state engine.
//!
//! Entries of many regions share one engine batch. The applied index of each region is in the same batch as what
//! its entries did, so that a crash leaves both or neither, and applying again starts exactly behind. The batch is
//! not synced: the raft log is.
//!
//! Applying must come to the same result on every replica, so it looks at replicated state only: the entry and the
//! region as earlier entries left it. Whatever is not right here (a gap, bytes that do not decode, a key outside
//! its region in the right epoch) means that replicas would diverge, and ends the process.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use raft::eraftpb::{Entry, EntryType};
use rutile_kv_engine::{Engine, IterOptions, WriteBatch};
use rutile_kv_env::{Hooks, fail_stop, failpoint};
use rutile_kv_types::{Cf, Region, RegionEpoch};
use tokio::sync::OwnedSemaphorePermit;

use super::background::Background;
use super::command::{Command, SplitPlan, is_commit_merge, is_split};
use super::conf_change::{AppliedChange, change_region, from_entry};
use super::destroy::is_buried;
use super::driver::{Steps, Wait};
use super::inbox::Inbox;
use super::merge::Merged;
use super::message::{Message, Piece};
use super::peer::{Pending, Waiting};
use super::snapshot::{FAMILIES, RestoreTask};
use super::split::split_region;
use super::state::{ApplyState, LocalState, MergeState, PeerState, local_state_to_bytes};
use super::view::{RegionView, Regions};
use crate::error::{Error, RegionError, Result};
use crate::gc::SafePoint;
use crate::keys;
use crate::metrics::Metrics;
use crate::pessimistic_locks::MovedLock;
use crate::write_set::{Change, Changes};

/// An engine batch is written when it holds this much, and at the end of what is queued.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// How long the loop sleeps when nothing comes; a message wakes it at once.
const IDLE_WAIT: Duration = Duration::from_secs(3600);

/// Committed entries of one region, in order, and who waits for them.
pub struct ApplyTask {
    pub view: Arc<RegionView>,
    pub entries: Vec<Entry>,
    pub pending: Vec<Pending>,
}

/// What the apply loop can be told.
pub enum ApplyMessage {
    /// Apply the committed entries of one round.
    Round(Vec<ApplyTask>),
    /// Take a snapshot of a region for a follower.
    TakeSnapshot(Arc<RegionView>, OwnedSemaphorePermit),
    /// Fill the range of a region from a received snapshot.
    Restore(RestoreTask),
    /// Remove all data of a peer that is no member any more.
    Bury(Arc<RegionView>, RegionEpoch),
    /// End after everything before is applied.
    Stop,
    /// End at once.
    Halt,
}

/// What the raft loop has to know of, in the order of the log.
pub(super) enum RegionChange {
    /// The regions of a split, each with whether its peer is made here.
    Split(Vec<(Arc<Region>, bool)>),
    Members(AppliedChange),
    MergePrepared(Arc<Region>, Arc<MergeState>),
    MergeRolledBack(Arc<Region>),
    Merged(Merged),
}

/// How an entry ended, for those who wait.
pub(super) enum Outcome {
    Done,
    Split(Vec<Arc<Region>>),
    EpochChanged(Arc<Region>),
}

/// State of the apply loop.
pub struct Applier {
    pub engine: Arc<dyn Engine>,
    pub raft: Arc<Inbox<Message>>,
    pub background: Arc<Background>,
    /// Where the source of a merge is found.
    pub(super) regions: Arc<Regions>,
    pub metrics: Arc<Metrics>,
    safe_point: Arc<SafePoint>,
    pub(super) hooks: Hooks,
    pub(super) batch: WriteBatch,
    /// The batch has to be durable before anything is done behind it.
    must_sync: bool,
    /// What becomes visible when the batch is written.
    finished: Vec<Finished>,
}

/// One task whose changes are in the batch.
pub(super) struct Finished {
    view: Arc<RegionView>,
    applied: ApplyState,
    /// The region as splits in this batch left it.
    pub(super) region: Option<Arc<Region>>,
    pub(super) changes: Vec<RegionChange>,
    /// The merge into another region that is under way.
    pub(super) merge: Option<Arc<MergeState>>,
    /// A region that was merged into this one.
    pub(super) source: Option<Arc<RegionView>>,
    /// The peer of this store was removed.
    removed: bool,
    outcomes: Vec<(Waiting, Outcome)>,
    bytes: u64,
    keys: u64,
    /// Locks added less locks removed.
    locks: i64,
    /// Ranges removed as a whole.
    dropped: Vec<(Cf, Vec<u8>, Vec<u8>)>,
}

impl Applier {
    /// An applier that has nothing to do.
    pub fn new(
        engine: Arc<dyn Engine>,
        raft: Arc<Inbox<Message>>,
        background: Arc<Background>,
        regions: Arc<Regions>,
        metrics: Arc<Metrics>,
        hooks: Hooks,
        safe_point: Arc<SafePoint>,
    ) -> Self {
        Applier {
            engine,
            raft,
            background,
            regions,
            metrics,
            safe_point,
            hooks,
            batch: WriteBatch::new(),
            must_sync: false,
            finished: Vec::new(),
        }
    }

    /// A split begins a batch. What was applied before it is published then, so that each pessimistic lock in memory
    /// whose write is still on its way will see that write refused, and may move to the new region. So does a merge,
    /// which counts on its source, and is the end of its batch, too.
    fn apply(&mut self, task: ApplyTask) {
        let ApplyTask { view, mut entries, mut pending } = task;
        while let Some(split) = entries.iter().skip(1).position(|entry| begins_batch(&entry.data)) {
            let rest = entries.split_off(split + 1);
            let last = entries.last().map_or(0, |entry| entry.index);
            let count = pending.partition_point(|pending| pending.index <= last);
            let later = pending.split_off(count);
            self.apply_run(ApplyTask { view: view.clone(), entries, pending });
            (entries, pending) = (rest, later);
        }
        self.apply_run(ApplyTask { view, entries, pending });
    }

    fn apply_run(&mut self, task: ApplyTask) {
        if task.view.removed.load(Ordering::SeqCst) {
            return task.fail();
        }
        if task.entries.first().is_some_and(|entry| begins_batch(&entry.data)) {
            self.write();
        }
        // A region may come twice within one batch; it goes on where its last task ended.
        let before = self.finished.iter().rev().find(|other| Arc::ptr_eq(&other.view, &task.view));
        let mut region = before.and_then(|other| other.region.clone()).unwrap_or_else(|| task.view.region());
        let start = before.map_or_else(|| task.view.applied(), |other| other.applied);
        let merge = before.map_or_else(|| task.view.merge_state(), |other| other.merge.clone());
        let mut finished = Finished {
            view: task.view,
            applied: start,
            region: before.and_then(|other| other.region.clone()),
            changes: Vec::new(),
            merge,
            source: None,
            removed: false,
            outcomes: Vec::with_capacity(task.pending.len()),
            bytes: 0,
            keys: 0,
            locks: 0,
            dropped: Vec::new(),
        };
        let mut pending = VecDeque::from(task.pending);
        for entry in &task.entries {
            let index = finished.applied.applied_index;
            if entry.index != index + 1 {
                let error = format!("region {} has entry {} after {index}", region.id, entry.index);
                fail_stop("apply: gap in committed entries", &error);
            }
            let waiting = waiting_for(&mut pending, entry);
            let outcome = match self.apply_entry(&mut region, entry, &mut finished) {
                Ok(outcome) => outcome,
                Err(error) => fail_stop("apply: entry can not be applied", &error),
            };
            if let Some(waiting) = waiting {
                finished.outcomes.push((waiting, outcome));
            }
            finished.applied = ApplyState { applied_index: entry.index, applied_term: entry.term };
            if finished.removed {
                // What comes behind is no more this peer's.
                pending.drain(..).for_each(|pending| pending.waiting.fail(|| Error::Unknown));
                break;
            }
        }
        debug_assert!(pending.is_empty(), "waiters come with their entries");
        self.batch.put(Cf::Raft, keys::apply_state(finished.view.region_id), finished.applied.to_bytes());
        // Locks are then counted in the engine, where nothing later may be mixed in.
        let recounts = finished.recounts_locks();
        let removed = finished.removed;
        self.must_sync |= finished.source.is_some();
        if removed {
            finished.view.removed.store(true, Ordering::SeqCst);
        }
        self.finished.push(finished);
        if removed || recounts || self.batch.size_bytes() >= BATCH_BYTES_MAX {
            self.write();
        }
    }

    fn apply_entry(
        &mut self,
        region: &mut Arc<Region>,
        entry: &Entry,
        finished: &mut Finished,
    ) -> Result<Outcome> {
        self.hooks.record("raftstore::apply::entry", || {
            [region.id, entry.index, entry.term, u64::from(crc32fast::hash(&entry.data))]
        });
        if entry.get_entry_type() != EntryType::EntryNormal {
            return self.apply_conf_change(region, entry, finished);
        }
        if entry.data.is_empty() {
            return Ok(Outcome::Done);
        }
        match Command::decode(&entry.data)? {
            Command::Write { epoch, body } => {
                let ignored = self.hooks.is_planted("raftstore::apply::epoch_ignored");
                if (epoch.version != region.epoch.version || finished.merge.is_some()) && !ignored {
                    return Ok(Outcome::EpochChanged(region.clone()));
                }
                self.apply_changes(region, body, finished)?;
                Ok(Outcome::Done)
            }
            Command::Split { epoch, plan } => self.apply_split(region, epoch, &plan, finished),
            Command::CompactLog { index } => {
                // A region that is merged gives its log to those who lack it.
                if finished.merge.is_none() {
                    finished.view.allow_compaction(index);
                }
                Ok(Outcome::Done)
            }
            Command::PrepareMerge { epoch, min_index, target } => {
                let state = MergeState { min_index, commit: entry.index, target };
                self.apply_prepare_merge(region, epoch, state, finished)
            }
            Command::CommitMerge { epoch, source } => {
                self.apply_commit_merge(region, epoch, &source, finished)
            }
            Command::RollbackMerge { commit } => Ok(self.apply_rollback_merge(region, commit, finished)),
            Command::ChangePeers { .. } => {
                Err(Error::corrupt("raft entry", "members change in an entry of their own"))
            }
        }
    }

    fn apply_changes(&mut self, region: &Region, body: &[u8], finished: &mut Finished) -> Result<()> {
        for change in Changes::decode(body) {
            let change = change?;
            if !change.lies_in(region) {
                return Err(Error::corrupt("raft entry", format!("a key is outside region {}", region.id)));
            }
            match change {
                Change::Put { cf, key, value } => {
                    self.batch.put(cf, key, value);
                    // Locks come and go; what stays is counted.
                    if cf != Cf::Lock {
                        finished.bytes += (key.len() + value.len()) as u64;
                    }
                    finished.keys += u64::from(cf == Cf::Write);
                    finished.locks += i64::from(cf == Cf::Lock);
                }
                Change::Replace { cf, key, value } => self.batch.put(cf, key, value),
                Change::Delete { cf, key } => {
                    self.batch.delete(cf, key);
                    finished.locks -= i64::from(cf == Cf::Lock);
                }
                Change::DeleteRange { cf, start, end } => {
                    self.batch.delete_range(cf, start, end);
                    finished.dropped.push((cf, start.to_vec(), end.to_vec()));
                }
                // Before the batch is written: a reader that finds a version gone must find this first.
                Change::Collect { safe_point } => self.safe_point.raise(safe_point),
            }
        }
        Ok(())
    }

    fn apply_split(
        &mut self,
        region: &mut Arc<Region>,
        epoch: RegionEpoch,
        plan: &SplitPlan,
        finished: &mut Finished,
    ) -> Result<Outcome> {
        if epoch != region.epoch {
            return Ok(Outcome::EpochChanged(region.clone()));
        }
        let regions = split_region(region, plan)?;
        let mut made = Vec::with_capacity(regions.len());
        for new in &regions {
            let is_new = new.id != region.id;
            let peer = new.peer_on_store(finished.view.peer.store_id).map_or(0, |peer| peer.id);
            if is_new && is_buried(&*self.engine, new.id, peer)? {
                // It was removed before its region was made here; of its data nobody knows any more.
                FAMILIES.iter().for_each(|cf| self.batch.delete_range(*cf, &new.start_key, &new.end_key));
                made.push(false);
                continue;
            }
            self.batch.put(
                Cf::Raft,
                keys::region_state(new.id),
                local_state_to_bytes(PeerState::Normal, new),
            );
            if is_new {
                self.batch.put(Cf::Raft, keys::apply_state(new.id), ApplyState::INITIAL.to_bytes());
                self.batch.delete(Cf::Raft, keys::snapshot_point(new.id));
            }
            made.push(true);
        }
        let regions: Vec<Arc<Region>> = regions.into_iter().map(Arc::new).collect();
        if let Some(last) = regions.last() {
            debug_assert_eq!(last.id, region.id, "the region that is split keeps the last piece");
            *region = last.clone();
            finished.region = Some(last.clone());
        }
        let told = regions.iter().cloned().zip(made).collect();
        finished.changes.push(RegionChange::Split(told));
        Ok(Outcome::Split(regions))
    }

    fn apply_conf_change(
        &mut self,
        region: &mut Arc<Region>,
        entry: &Entry,
        finished: &mut Finished,
    ) -> Result<Outcome> {
        let Command::ChangePeers { epoch, changes } = Command::decode(&entry.context)? else {
            return Err(Error::corrupt("raft entry", "a conf change without members"));
        };
        let in_time = epoch.conf_ver == region.epoch.conf_ver && finished.merge.is_none();
        let changed = if in_time { change_region(region, &changes).ok().map(Arc::new) } else { None };
        let Some(changed) = changed else {
            finished.changes.push(RegionChange::Members(AppliedChange { index: entry.index, made: None }));
            return Ok(Outcome::EpochChanged(region.clone()));
        };
        let own = &finished.view.peer;
        let stays = self.hooks.is_planted("raftstore::destroy::removed_peer_stays");
        let state = if changed.peer(own.id).is_some() || stays {
            local_state_to_bytes(PeerState::Normal, &changed)
        } else {
            // With its range, which tells that the data is still there; see `destroy`.
            finished.removed = true;
            let grave = LocalState {
                state: PeerState::Tombstone,
                region: Region { peers: vec![own.clone()], ..(*changed).clone() },
                merge: None,
                history_from: Some(finished.view.history_from()),
            };
            grave.to_bytes()
        };
        self.batch.put(Cf::Raft, keys::region_state(region.id), state);
        self.hooks.record("raftstore::conf_change::applied", || {
            [region.id, changed.epoch.conf_ver, changed.peers.len() as u64]
        });
        *region = changed.clone();
        finished.region = Some(changed.clone());
        let made = Some((from_entry(&entry.data)?, changed));
        finished.changes.push(RegionChange::Members(AppliedChange { index: entry.index, made }));
        Ok(Outcome::Done)
    }

    /// Writes the batch, then publishes what it did, then answers.
    pub(super) fn write(&mut self) {
        if self.finished.is_empty() {
            return;
        }
        failpoint!("raftstore::apply::before_write");
        let batch = std::mem::take(&mut self.batch);
        // The log of the source of a merge is dropped next.
        let sync = std::mem::take(&mut self.must_sync);
        if let Err(error) = self.engine.write(batch, sync) {
            fail_stop("apply: engine write", &error);
        }
        failpoint!("raftstore::apply::after_write");
        self.metrics.apply_batches.add(1);
        for finished in std::mem::take(&mut self.finished) {
            self.publish(finished);
        }
    }

    fn publish(&mut self, finished: Finished) {
        let recounts = finished.recounts_locks();
        let Finished { view, applied, region, changes, outcomes, bytes, keys, locks, dropped, .. } = finished;
        // Before the region: nobody may see it larger, or newer, and not know this.
        if let Some(source) = finished.source {
            self.publish_takeover(&view, &source);
        }
        if finished.merge != view.merge_state() {
            view.set_merge_state(finished.merge);
        }
        for (cf, start, end) in &dropped {
            // The range is empty already; this gives back the files that hold nothing else.
            if let Err(error) = self.engine.destroy_range(*cf, start, end) {
                fail_stop("apply: removal of a range", &error);
            }
            if *cf == Cf::Lock {
                view.memory_locks.remove_range(start, end);
            }
        }
        let mut moved = region.map_or_else(Vec::new, |region| view.set_region(region));
        if self.hooks.is_planted("raftstore::split::memory_locks_not_carried") {
            moved.clear();
        }
        if recounts {
            view.set_locks(self.count_locks(&view.region()));
        } else {
            view.add_locks(locks);
        }
        // Before the applied index: who sees a region ready finds its splits announced.
        for change in changes {
            let message = self.tell(view.region_id, change, &mut moved);
            self.raft.push(message);
        }
        view.set_applied(applied);
        self.metrics.apply_bytes.add(bytes);
        view.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        view.written_keys.fetch_add(keys, Ordering::Relaxed);
        view.traffic.written(keys, bytes);
        self.background.note_written(&view);
        for (waiting, outcome) in outcomes {
            answer(waiting, &outcome);
        }
    }

    /// `moved` are locks in memory that a split carries to the new regions.
    fn tell(&self, region_id: u64, change: RegionChange, moved: &mut Vec<MovedLock>) -> Message {
        match change {
            RegionChange::Split(regions) => {
                self.metrics.splits.add(regions.len() as u64 - 1);
                let pieces = regions.into_iter().map(|(region, is_made)| {
                    let memory_locks = moved.extract_if(.., |(key, _)| region.contains(key)).collect();
                    let locks = if is_made { self.count_locks(&region) } else { 0 };
                    Piece { region, is_made, locks, memory_locks }
                });
                Message::SplitApplied { regions: pieces.collect() }
            }
            RegionChange::Members(change) => Message::ConfChanged { region_id, change },
            RegionChange::MergePrepared(region, state) => Message::MergePrepared { region, state },
            RegionChange::MergeRolledBack(region) => Message::MergeRolledBack { region },
            RegionChange::Merged(merged) => Message::Merged(merged),
        }
    }

    fn count_locks(&self, region: &Region) -> u64 {
        match count_locks(&*self.engine, region) {
            Ok(locks) => locks,
            Err(error) => fail_stop("apply: count of locks", &error),
        }
    }
}

impl ApplyTask {
    /// Of what a removed peer proposed when it led, nobody here can tell what becomes.
    fn fail(self) {
        self.pending.into_iter().for_each(|pending| pending.waiting.fail(|| Error::Unknown));
    }
}

impl Finished {
    /// After a split or the removal of a range the number of locks can not be told from the changes.
    fn recounts_locks(&self) -> bool {
        let split = self.changes.iter().any(|change| matches!(change, RegionChange::Split(_)));
        split || self.source.is_some() || !self.dropped.is_empty()
    }
}

impl Steps for Applier {
    type Message = ApplyMessage;
    const NAME: &'static str = "apply";
    const PAUSE: &'static str = "raftstore::apply::pause";
    /// Long enough for other replicas to elect leaders of regions that are not split yet here.
    const PAUSE_MAX: Duration = Duration::from_secs(6);

    fn wait(&self) -> Wait {
        Wait::Message(IDLE_WAIT)
    }

    fn step(&mut self, messages: &mut Vec<ApplyMessage>) -> bool {
        for message in messages.drain(..) {
            match message {
                ApplyMessage::Round(tasks) => tasks.into_iter().for_each(|task| self.apply(task)),
                ApplyMessage::TakeSnapshot(view, slot) => self.take_snapshot(&view, slot),
                ApplyMessage::Restore(task) => self.restore(task),
                ApplyMessage::Bury(view, epoch) => self.bury(&view, epoch),
                ApplyMessage::Stop => {
                    self.write();
                    return false;
                }
                ApplyMessage::Halt => return false,
            }
        }
        self.write();
        true
    }
}

/// Locks of a region, counted one by one.
pub fn count_locks(engine: &dyn Engine, region: &Region) -> Result<u64> {
    let bounds = IterOptions::range(region.start_key.to_vec(), region.end_key.to_vec());
    let mut locks = engine.snapshot().iter(Cf::Lock, bounds);
    let mut count = 0;
    let mut valid = locks.seek(&region.start_key)?;
    while valid {
        count += 1;
        valid = locks.next()?;
    }
    Ok(count)
}

/// Entries that need everything before them to be published.
fn begins_batch(data: &[u8]) -> bool {
    is_split(data) || is_commit_merge(data)
}

/// Who waits for this entry. Waiters of entries that were overwritten by another leader's are told so.
fn waiting_for(pending: &mut VecDeque<Pending>, entry: &Entry) -> Option<Waiting> {
    while let Some(first) = pending.front() {
        if first.index > entry.index {
            return None;
        }
        let first = pending.pop_front()?;
        if first.index == entry.index && first.term == entry.term {
            return Some(first.waiting);
        }
        first.waiting.fail(|| RegionError::StaleCommand.into());
    }
    None
}

fn answer(waiting: Waiting, outcome: &Outcome) {
    let epoch_changed = |region: &Arc<Region>| -> Error {
        RegionError::EpochNotMatch { current: vec![region.clone()] }.into()
    };
    match (waiting, outcome) {
        (Waiting::Writes(all), Outcome::Done) => all.into_iter().for_each(|waiter| (waiter.done)(Ok(()))),
        (Waiting::Split(done), Outcome::Split(regions)) => done(Ok(regions.clone())),
        (waiting, Outcome::EpochChanged(region)) => waiting.fail(|| epoch_changed(region)),
        // Terms are compared, so an entry is the one that was proposed; still, nobody may wait forever.
        (waiting, Outcome::Done | Outcome::Split(_)) => waiting.fail(|| RegionError::StaleCommand.into()),
    }
}
