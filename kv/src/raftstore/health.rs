//! How the leader of several peers sees the others, for PD: who waits for a snapshot, and who is silent.
use std::time::Duration;

use raft::ProgressState;
use rutile_kv_env::Monotonic;

use super::peer::Peer;
use super::store::RaftLoop;
use super::view::Health;

/// How often the leader looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Silence after which a peer counts as down; TiKV's `max-peer-down-duration`.
const DOWN_AFTER: Duration = Duration::from_secs(600);

impl RaftLoop {
    /// Looks after the followers of all regions led here, now and then.
    pub(super) fn look_after_peers(&mut self, now: Monotonic) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY;
        let led = self.peers.awake_mut().filter(|peer| peer.is_leader() && peer.region.peers.len() > 1);
        for peer in led {
            // PD's next step waits for this, and the next heartbeat is far.
            if peer.look_after(now) {
                self.reports.members_changed(peer.region.clone());
            }
        }
    }
}

impl Peer {
    /// Notes who is alive, and tells the view what PD has to know. True when one fewer waits for a snapshot, or one more
    /// is down.
    pub(super) fn look_after(&mut self, now: Monotonic) -> bool {
        let raft = &self.node.raft;
        let first_index = raft.raft_log.first_index();
        let mut health = Health::default();
        self.alive.retain(|id, _| raft.prs().get(*id).is_some());
        for peer in self.region.peers.iter().filter(|peer| peer.id != raft.id) {
            let Some(progress) = raft.prs().get(peer.id) else {
                continue;
            };
            if progress.state == ProgressState::Snapshot || progress.matched + 1 < first_index {
                health.pending.push(peer.clone());
            }
            let alive = self.alive.entry(peer.id).or_insert(now);
            if progress.recent_active {
                *alive = now;
            }
            let silence = now - *alive;
            if silence >= DOWN_AFTER {
                health.down.push((peer.clone(), silence.as_secs()));
            }
        }
        let former = self.view.health();
        let is_news = health.pending.len() < former.pending.len() || health.down.len() > former.down.len();
        self.view.set_health(health);
        is_news
    }
}
