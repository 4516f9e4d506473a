//! Reads at a follower: the leader says how far the follower must have applied.
//!
//! ```text
//! follower   raft's read index, with the timestamp and the range of the read
//! leader     raises max_ts, looks for locks in its memory, takes its commit index, asks a quorum whether it leads
//! follower   waits until that index is applied, takes a snapshot, and reads if the region is whole in it
//! ```
//! For the leader this is a read of its own: what it commits later without asking PD, it commits above the timestamp
//! (`concurrency_manager`). What it committed before is applied at the follower, or a lock there. A question that the
//! leader refuses, or that is lost, costs the reader a trip to the leader, nothing else.
//!
//! Not covered: whether old versions were removed meanwhile. A follower learns of a safe point later than the leader may
//! remove by it, so that a client may ask followers at young timestamps only.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use raft::eraftpb::Message as RaftMessage;
use rutile_kv_engine::Snapshot;
use rutile_kv_types::{Cf, Region, TimeStamp};
use tokio::sync::{Notify, oneshot};

use super::message::Message;
use super::peer::Peer;
use super::read::RaftReplica;
use super::state::{ApplyState, LocalState, PeerState};
use super::store::RaftLoop;
use super::view::RegionView;
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, RegionError, Result};
use crate::keys;
use crate::mvcc::{LockVerdict, ReadOptions, judge_lock};
use crate::replica::{FollowerRead, RegionContext, RegionSnapshot};

/// How long a leader is waited for.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(1);
/// Questions of one region that wait; more are told to ask the leader.
const QUESTIONS_MAX: usize = 1024;
/// Bytes by which an answer is told from others: the number of the round, and the peer that asks.
const NAME_BYTES: usize = 16;
/// Behind the name of an answer.
const GRANTED: u8 = 1;
const REFUSED: u8 = 0;

/// A read of a follower that waits for the leader, then for its index to be applied.
pub struct Question {
    name: [u8; NAME_BYTES],
    done: oneshot::Sender<Result<u64>>,
}

/// Wakes those who wait until a region has applied what its leader named. Nobody pays who does not wait.
#[derive(Default)]
pub struct AppliedWatch {
    waiting: AtomicUsize,
    changed: Notify,
}

/// Somebody waits.
struct Waits<'a>(&'a AppliedWatch);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AppliedWatch {
    /// The applied index was raised, before this call.
    pub fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }
}

impl RegionView {
    /// Waits until the entries up to `index` are applied.
    async fn wait_applied(&self, index: u64) {
        let watch = &self.applied_watch;
        watch.waiting.fetch_add(1, Ordering::SeqCst);
        let _waits = Waits(watch);
        loop {
            let changed = watch.changed.notified();
            if self.applied().applied_index >= index {
                return;
            }
            changed.await;
        }
    }
}

/// The question as raft carries it.
fn encode(name: &[u8; NAME_BYTES], read: &FollowerRead) -> Vec<u8> {
    let mut out = Vec::with_capacity(NAME_BYTES + 12 + read.start.len() + read.end.len());
    out.extend_from_slice(name);
    out.extend_from_slice(&read.ts.into_inner().to_be_bytes());
    out.extend_from_slice(&u32::try_from(read.start.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&read.start);
    out.extend_from_slice(&read.end);
    out
}

fn decode(data: &[u8]) -> Option<([u8; NAME_BYTES], FollowerRead)> {
    let (name, rest) = data.split_first_chunk::<NAME_BYTES>()?;
    let (ts, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (start, end) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let ts = TimeStamp::new(u64::from_be_bytes(*ts));
    Some((*name, FollowerRead { ts, start: start.to_vec(), end: end.to_vec() }))
}

/// Whether the locks that live in memory leave the read alone. `max_ts` is raised first, as for a read at the leader.
fn passes_memory_locks(concurrency: &ConcurrencyManager, read: &FollowerRead) -> bool {
    concurrency.raise_max_ts(read.ts);
    let options = ReadOptions::at(read.ts);
    let looked = concurrency.read_range(&read.start, &read.end, |key, lock, _| {
        match judge_lock(lock, key, &options) {
            Ok(LockVerdict::Ignore | LockVerdict::ReadThrough) => Ok(()),
            Ok(LockVerdict::Blocked) | Err(_) => Err(()),
        }
    });
    looked.is_ok()
}

impl RaftReplica {
    /// A snapshot that a read may rely on though this peer does not lead; `None` where it does.
    pub(super) async fn read_as_follower(
        &self,
        context: &RegionContext,
        read: FollowerRead,
    ) -> Result<Option<RegionSnapshot>> {
        let view = self.regions.get(context.region_id)?;
        view.check_peer(context)?;
        view.check_epoch(context.epoch)?;
        if view.leader_term() != 0 {
            return Ok(None);
        }
        self.metrics.follower_reads.add(1);
        let (done, answer) = oneshot::channel::<Result<u64>>();
        self.inbox.push(Message::FollowerRead { region_id: context.region_id, read, done });
        let unanswered = |reason| RegionError::ReadIndexNotReady { region_id: context.region_id, reason };
        let reached = async {
            let mut index = answer.await.unwrap_or(Err(unanswered("the peer is going").into()))?;
            if self.env.hooks.is_planted("raftstore::follower_read::index_ignored") {
                index = 0;
            }
            view.wait_applied(index).await;
            Ok::<u64, Error>(index)
        };
        let index = tokio::select! {
            biased;
            index = reached => index?,
            () = self.env.clock.sleep(ANSWER_WAIT_MAX) => {
                return Err(unanswered("the leader does not answer a follower").into());
            }
        };
        let engine = self.engine.snapshot();
        let Some(region) = whole_region(&*engine, context.region_id, index)? else {
            return Err(unanswered("the follower has not its data any more").into());
        };
        if region.epoch.version != context.epoch.version {
            return Err(RegionError::EpochNotMatch { current: vec![Arc::new(region)] }.into());
        }
        self.env.hooks.record("raftstore::follower_read::served", || [region.id, index]);
        let (region, traffic) = (Arc::new(region), Arc::clone(&view.traffic));
        // The number of locks is kept for leaders; here they are looked for.
        Ok(Some(RegionSnapshot { engine, has_locks: true, region, term: 0, traffic }))
    }
}

/// The region as this very snapshot has it, if it is whole there and applied up to `index`. A peer that is filled from a
/// snapshot of its leader, merged or destroyed says so in the batch that begins it.
fn whole_region(engine: &dyn Snapshot, region_id: u64, index: u64) -> Result<Option<Region>> {
    let (Some(state), Some(applied)) = (
        engine.get(Cf::Raft, &keys::region_state(region_id))?,
        engine.get(Cf::Raft, &keys::apply_state(region_id))?,
    ) else {
        return Ok(None);
    };
    let LocalState { state, region, .. } = LocalState::parse(&state)?;
    let reaches = ApplyState::parse(&applied)?.applied_index >= index;
    Ok((state == PeerState::Normal && reaches).then_some(region))
}

impl RaftLoop {
    /// Asks the leader for one read.
    pub(super) fn ask_leader(
        &mut self,
        region_id: u64,
        read: &FollowerRead,
        done: oneshot::Sender<Result<u64>>,
    ) {
        let round = self.next_round();
        let refused = |reason| Err(RegionError::ReadIndexNotReady { region_id, reason }.into());
        // A reader that went away needs no answer, here and below.
        let result = match self.peers.get_mut(&region_id) {
            None => Err(RegionError::RegionNotFound { region_id }.into()),
            Some(peer) if peer.is_leader() => refused("the follower leads by now"),
            Some(peer) if peer.node.raft.leader_id == raft::INVALID_ID => refused("the region has no leader"),
            Some(peer) if !peer.is_initialised() || peer.doomed || peer.restoring.is_some() => {
                refused("the follower has not its data yet")
            }
            Some(peer) if peer.questions.len() >= QUESTIONS_MAX => refused("too many readers ask the leader"),
            Some(peer) => {
                let mut name = [0; NAME_BYTES];
                let (number, asker) = name.split_at_mut(NAME_BYTES / 2);
                number.copy_from_slice(&round.to_be_bytes());
                asker.copy_from_slice(&peer.view.peer.id.to_be_bytes());
                peer.node.read_index(encode(&name, read));
                peer.questions.push(Question { name, done });
                self.dirty.insert(region_id);
                return;
            }
        };
        let _ = done.send(result);
    }

    /// Puts the answer of a leader in the place of a follower's question; raft adds the index. False if it is none.
    pub(super) fn judge_question(&self, region_id: u64, message: &mut RaftMessage) -> bool {
        let Some(peer) = self.peers.get(&region_id).filter(|peer| peer.is_leader()) else {
            return false;
        };
        let Some(entry) = message.entries.first_mut() else {
            return false;
        };
        let Some((name, read)) = decode(&entry.data) else {
            return false;
        };
        let granted = self.env.hooks.is_planted("raftstore::follower_read::leader_does_not_look")
            || (!peer.view.is_merging() && passes_memory_locks(&self.concurrency, &read));
        peer.view.note_used();
        let mut answer = name.to_vec();
        answer.push(if granted { GRANTED } else { REFUSED });
        entry.data = answer.into();
        true
    }
}

impl Peer {
    /// The leader has answered with its commit index.
    pub(super) fn leader_answered(&mut self, answer: &[u8], index: u64) {
        let Some((name, verdict)) = answer.split_first_chunk::<NAME_BYTES>() else {
            return;
        };
        let Some(position) = self.questions.iter().position(|question| question.name == *name) else {
            return;
        };
        let answered = if verdict == [GRANTED] {
            Ok(index)
        } else {
            let region_id = self.region_id();
            let reason = "the leader has a lock in memory, or is merged";
            Err(RegionError::ReadIndexNotReady { region_id, reason }.into())
        };
        let _ = self.questions.swap_remove(position).done.send(answered);
    }

    /// Forgets questions that nobody waits for.
    pub(super) fn forget_questions(&mut self) {
        self.questions.retain(|question| !question.done.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_as_it_was_asked() {
        let read = FollowerRead { ts: TimeStamp::new(77), start: b"a".to_vec(), end: b"bcd".to_vec() };
        let data = encode(&[7; NAME_BYTES], &read);
        assert_eq!(decode(&data), Some(([7; NAME_BYTES], read)));
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&data[..NAME_BYTES + 9]), None);
        let mut longer = data.clone();
        longer[NAME_BYTES + 11] = 200;
        assert_eq!(decode(&longer), None, "a start beyond the end");
    }

    #[test]
    fn a_leader_raises_max_ts_and_looks_at_locks_in_memory() {
        use bytes::Bytes;
        use rutile_kv_types::{Lock, LockType};

        let concurrency = ConcurrencyManager::new(TimeStamp::ZERO);
        let read =
            |ts: u64| FollowerRead { ts: TimeStamp::new(ts), start: b"a".to_vec(), end: b"c".to_vec() };
        assert!(passes_memory_locks(&concurrency, &read(10)));
        assert_eq!(concurrency.max_ts(), TimeStamp::new(10));
        let guard = concurrency.lock_key(b"b");
        let mut lock = Lock::new(LockType::Put, Bytes::from_static(b"b"), TimeStamp::new(5), 1000);
        lock.min_commit_ts = TimeStamp::new(20);
        guard.publish(|| (lock, ()));
        assert!(passes_memory_locks(&concurrency, &read(19)), "it commits above");
        assert!(!passes_memory_locks(&concurrency, &read(20)));
    }
}
