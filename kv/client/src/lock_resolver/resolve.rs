//! Locks met on the way, resolved by owner.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::fate::Fate;
use crate::client::Core;
use crate::error::{Error, Result};

/// Decided transactions remembered.
const DECIDED_MAX: usize = 4_096;

/// What the caller does next.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    /// Owners that live: one of the locks of each, and how long it may live.
    pub(crate) alive: Vec<(kvrpcpb::LockInfo, Duration)>,
    /// Transactions whose locks a read at the caller's timestamp may ignore.
    pub(crate) ignorable: Vec<u64>,
    /// The oldest start of a transaction that lives.
    pub(crate) oldest_alive: Option<TimeStamp>,
}

impl Resolution {
    /// The living lock that may be the first to go.
    pub(crate) fn shortest_lived(self) -> Option<(kvrpcpb::LockInfo, Duration)> {
        self.alive.into_iter().min_by_key(|(_, left)| *left)
    }
}

pub(crate) struct LockResolver {
    decided: Mutex<Decided>,
    /// One lock for each transaction that is asked for now.
    asking: Mutex<HashMap<u64, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct Decided {
    fates: HashMap<u64, Fate>,
    order: VecDeque<u64>,
}

impl LockResolver {
    pub(crate) fn new() -> LockResolver {
        LockResolver { decided: Mutex::default(), asking: Mutex::default() }
    }

    fn decided(&self, start_ts: u64) -> Option<Fate> {
        self.decided.lock().fates.get(&start_ts).copied()
    }

    /// A transaction of this client is committed: whoever meets one of its locks need not ask.
    pub(crate) fn committed(&self, start_ts: TimeStamp, commit_ts: TimeStamp) {
        self.remember(start_ts.into_inner(), Fate::Committed(commit_ts));
    }

    pub(super) fn remember(&self, start_ts: u64, fate: Fate) {
        let mut decided = self.decided.lock();
        if decided.fates.insert(start_ts, fate).is_none() {
            decided.order.push_back(start_ts);
        }
        if decided.order.len() > DECIDED_MAX
            && let Some(oldest) = decided.order.pop_front()
        {
            decided.fates.remove(&oldest);
        }
    }
}

impl Core {
    /// Resolves locks met by a transaction that reads at `caller_start_ts`.
    pub(crate) async fn resolve_locks(
        &self,
        locks: Vec<kvrpcpb::LockInfo>,
        caller_start_ts: TimeStamp,
    ) -> Result<Resolution> {
        let mut by_owner: BTreeMap<u64, Vec<kvrpcpb::LockInfo>> = BTreeMap::new();
        for lock in locks {
            by_owner.entry(lock.lock_version).or_default().push(lock);
        }
        let mut resolution = Resolution::default();
        for (owner, locks) in by_owner {
            let fate = self.fate_of(&locks, caller_start_ts).await?;
            if matches!(fate, Fate::Alive { .. }) {
                let oldest = resolution.oldest_alive.unwrap_or(TimeStamp::MAX);
                resolution.oldest_alive = Some(oldest.min(owner.into()));
            }
            match fate {
                Fate::Alive { pushed: true, .. } => resolution.ignorable.push(owner),
                Fate::Alive { left, pushed: false } => {
                    resolution.alive.extend(locks.into_iter().next().map(|first| (first, left)));
                }
                Fate::Committed(commit_ts) => self.finish_locks(locks, commit_ts).await?,
                Fate::RolledBack => self.finish_locks(locks, TimeStamp::ZERO).await?,
            }
        }
        Ok(resolution)
    }

    /// The fate of the owner of all `locks`.
    async fn fate_of(&self, locks: &[kvrpcpb::LockInfo], caller_start_ts: TimeStamp) -> Result<Fate> {
        let Some(lock) = locks.first() else {
            return Err(Error::Malformed("list of locks"));
        };
        // Only then may the primary stay undecided: a prewrite lock is finished as the primary decides.
        let all_pessimistic = locks.iter().all(|lock| lock.lock_type() == kvrpcpb::Op::PessimisticLock);
        let owner = lock.lock_version;
        if let Some(fate) = self.resolver.decided(owner) {
            return Ok(fate);
        }
        let turn = Arc::clone(self.resolver.asking.lock().entry(owner).or_default());
        let guard = turn.lock().await;
        let fate = match self.resolver.decided(owner) {
            Some(fate) => Ok(fate),
            None => self.ask_primary(lock, all_pessimistic, caller_start_ts).await,
        };
        drop(guard);
        let mut asking = self.resolver.asking.lock();
        // Two: the map's and ours. Anyone else holds a third and will remove it.
        if Arc::strong_count(&turn) <= 2 {
            asking.remove(&owner);
        }
        fate
    }
}
