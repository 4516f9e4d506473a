//! Reads that followers serve.
//!
//! A follower asks its leader how far it has to be, and answers with the same data; the leader's disk and processor are
//! spared. It is asked once: where it does not answer, is behind, or meets a lock, the leader is asked as ever. A store
//! that was slow or away is left alone for a while.
//!
//! Followers are asked at young timestamps only: they learn of a safe point of garbage collection later than a leader may
//! remove versions by it, but nobody removes what is younger than the life time of [`crate::Client::run_gc`], ten minutes as
//! a rule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_kv_proto::{Code, CoprocessorResponse, Status, TikvService, errorpb, kvrpcpb};
use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::to_wire;

use crate::client::Client;
use crate::region::{CachedRegion, RegionAnswer};
use crate::snapshot::Snapshot;

/// Age up to which a snapshot is read at followers.
pub(crate) const FOLLOWER_AGE_MAX: Duration = Duration::from_secs(60);
/// How long a follower is waited for.
const FOLLOWER_WAIT_MAX: Duration = Duration::from_secs(3);
/// An attempt that fails after this time was no use: its store is left alone.
const SLOW: Duration = Duration::from_millis(200);
/// For how long.
const SHUNNED_SLOW: Duration = Duration::from_secs(1);
const SHUNNED_AWAY: Duration = Duration::from_secs(10);

/// Which peers of a region serve plain reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplicaRead {
    #[default]
    Leader,
    /// The followers in turn.
    Follower,
    /// All in turn.
    LeaderAndFollower,
}

/// Whose turn it is.
#[derive(Default)]
pub(crate) struct Replicas {
    turn: AtomicUsize,
    /// Requests that followers answered.
    served: AtomicU64,
    /// Stores that are left alone, until then.
    shunned: Mutex<BTreeMap<u64, Monotonic>>,
}

impl Replicas {
    /// The follower to ask; `None` if the leader is to be asked.
    fn choose(&self, wanted: ReplicaRead, region: &CachedRegion, now: Monotonic) -> Option<Peer> {
        let is_leader = |peer: &Peer| peer.id == region.leader.id;
        let shunned = self.shunned.lock();
        let serves = |peer: &&Peer| {
            peer.role == PeerRole::Voter
                && (wanted == ReplicaRead::LeaderAndFollower || !is_leader(peer))
                && (is_leader(peer) || shunned.get(&peer.store_id).is_none_or(|until| *until <= now))
        };
        let count = region.region.peers.iter().filter(serves).count();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(count)?;
        let chosen = region.region.peers.iter().filter(serves).nth(turn)?;
        (!is_leader(chosen)).then(|| chosen.clone())
    }

    fn shun(&self, store_id: u64, until: Monotonic) {
        self.shunned.lock().insert(store_id, until);
    }
}

impl Client {
    /// How many requests followers have answered.
    pub fn follower_reads(&self) -> u64 {
        self.core.replicas.served.load(Ordering::Relaxed)
    }
}

impl RegionAnswer for CoprocessorResponse {
    fn take_region_error(&mut self) -> Option<Box<errorpb::Error>> {
        self.region_error.take().map(Box::new)
    }
}

impl Snapshot {
    /// The answer of a follower, which may tell of locks; `None` if the leader is to be asked.
    pub(crate) async fn ask_follower<A, F, Fut>(&self, region: &CachedRegion, send: F) -> Option<A>
    where
        A: RegionAnswer,
        F: FnOnce(Arc<dyn TikvService>, Option<kvrpcpb::Context>) -> Fut,
        Fut: Future<Output = Result<A, Status>>,
    {
        let (clock, replicas) = (&self.core.env.clock, &self.core.replicas);
        let began = clock.now();
        let peer = replicas.choose(self.replicas(), region, began)?;
        let service = self.core.cache.service(peer.store_id).ok()?;
        let mut context = self.context(region);
        if let Some(context) = &mut context {
            context.peer = Some(to_wire::peer(&peer));
            context.replica_read = true;
        }
        let answer = tokio::select! {
            biased;
            answer = send(service, context) => Some(answer),
            () = clock.sleep(FOLLOWER_WAIT_MAX) => None,
        };
        let now = clock.now();
        match answer {
            Some(Ok(mut answer)) => {
                if answer.take_region_error().is_none() {
                    replicas.served.fetch_add(1, Ordering::Relaxed);
                    return Some(answer);
                }
                if now.saturating_since(began) >= SLOW {
                    replicas.shun(peer.store_id, now + SHUNNED_SLOW);
                }
            }
            // Too much for one answer: whoever asks the leader asks for less.
            Some(Err(status)) if status.code == Code::OutOfRange => {}
            Some(Err(_)) | None => replicas.shun(peer.store_id, now + SHUNNED_AWAY),
        }
        None
    }
}
