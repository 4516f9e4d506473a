//! A store that is about to stop hands the leaderships of its regions on, so that nobody waits for an election.
//!
//! A bounded number at a time, each to one of the other voters in turn, and to the next one when that is not fit for it.
//! What nobody can take stays: then the others are not there, or lag behind.
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rutile_kv_types::{Peer as PeerId, PeerRole, Region};
use tokio::sync::oneshot;

use super::message::Message;
use super::read::RaftReplica;
use super::store::RaftLoop;
use super::view::RegionView;

/// Leaderships on their way at once.
const AT_ONCE_MAX: usize = 64;
/// How long one round waits for its leaderships to be taken over before it looks again.
const ROUND_MAX: Duration = Duration::from_millis(300);
/// Pause when nobody is fit to take one; others may be about to answer.
const NOBODY_FIT_PAUSE: Duration = Duration::from_millis(100);
/// How often in a row that may be so; as long as an election takes at least.
const NOBODY_FIT_MAX: u32 = 10;

/// Whether others could lead the region.
fn has_other_voters(region: &Region, own: u64) -> bool {
    successors(region, own).next().is_some()
}

fn successors(region: &Region, own: u64) -> impl Iterator<Item = &PeerId> {
    let votes = |peer: &&PeerId| matches!(peer.role, PeerRole::Voter | PeerRole::IncomingVoter);
    region.peers.iter().filter(move |peer| peer.id != own).filter(votes)
}

impl RaftReplica {
    /// Hands on what is led here, for as long as `limit`; answers how many regions with other voters are still led here.
    pub async fn hand_leaders_on(&self, limit: Duration) -> usize {
        let deadline = self.env.clock.now() + limit;
        let (mut round, mut nobody_fit) = (0, 0);
        loop {
            let led: Vec<Arc<RegionView>> =
                self.regions.all().into_iter().filter(|view| leads(view)).collect();
            if led.is_empty() || self.env.clock.now() >= deadline || nobody_fit >= NOBODY_FIT_MAX {
                return led.len();
            }
            let (done, answer) = oneshot::channel();
            let regions = led.iter().map(|view| view.region_id).collect();
            self.inbox.push(Message::HandOn { regions, round, done });
            let Ok(under_way) = answer.await else {
                return led.len();
            };
            round += 1;
            if under_way.is_empty() {
                nobody_fit += 1;
                self.env.clock.sleep(NOBODY_FIT_PAUSE).await;
                continue;
            }
            nobody_fit = 0;
            let moved = led.iter().filter(|view| under_way.contains(&view.region_id));
            let moved = join_all(moved.map(|view| view.wait_until(|view| view.leader_term() == 0)));
            tokio::select! {
                biased;
                _ = moved => {}
                () = self.env.clock.sleep(ROUND_MAX) => {}
            }
        }
    }
}

fn leads(view: &RegionView) -> bool {
    view.leader_term() != 0 && has_other_voters(&view.region(), view.peer.id)
}

impl RaftLoop {
    /// Begins to hand on the leaderships of the first of these regions; answers those that are on their way.
    pub(super) fn hand_on(&mut self, regions: Vec<u64>, round: u64) -> Vec<u64> {
        let mut under_way = Vec::new();
        for region_id in regions {
            if under_way.len() >= AT_ONCE_MAX {
                break;
            }
            self.wake(region_id);
            let Some(peer) = self.peers.get(&region_id).filter(|peer| peer.is_leader()) else {
                continue;
            };
            if peer.transfer.is_none() {
                let others: Vec<PeerId> = successors(&peer.region, peer.view.peer.id).cloned().collect();
                let turn = region_id.wrapping_add(round) % others.len().max(1) as u64;
                let successor = others.into_iter().nth(turn as usize);
                self.transfer_leader(region_id, successor.as_slice());
            }
            if self.peers.get(&region_id).is_some_and(|peer| peer.transfer.is_some()) {
                under_way.push(region_id);
            }
        }
        under_way
    }
}
