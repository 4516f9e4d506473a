//! Raft log truncation: only behind what the state engine has flushed.
//!
//! The state engine is not synced per write, so the raft log is what a crash leaves of the newest writes. The
//! applied indexes are read *before* the flush: whatever they cover was in the engine when the flush began. Only
//! then the raft loop is told, which truncates behind what every peer has as well, because any peer may have to lead
//! and entries are cheaper than a snapshot. A peer that lags too far behind is not waited for. Only the leader knows
//! what the others have, so it says so in an entry ([`Command::CompactLog`]), and peers that were told truncate at
//! their next flush.
//!
//! [`Command::CompactLog`]: super::command::Command::CompactLog
use std::sync::Arc;

use raft::Progress;
use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::{Hooks, fail_stop, failpoint};

use super::command::encode_compact_log;
use super::inbox::Inbox;
use super::message::{Flushed, Message};
use super::peer::Peer;
use super::store::RaftLoop;
use super::view::{RegionView, Regions};

/// Entries for which a region that sleeps is not woken.
const SLEEPING_ENTRIES_MAX: u64 = 50;

/// Flushes the state engine and has the logs truncated.
pub fn run(
    engine: &dyn Engine,
    raft_log: &dyn RaftLog,
    regions: &Regions,
    raft: &Inbox<Message>,
    hooks: &Hooks,
) {
    let applied = |view: &Arc<RegionView>| Flushed {
        region_id: view.region_id,
        peer_id: view.peer.id,
        index: view.applied().applied_index,
    };
    let applied = regions.all().iter().map(applied).collect();
    failpoint!("raftstore::log_gc::before_flush");
    let flushed = if hooks.is_planted("raftstore::log_gc::not_flushed") { Ok(()) } else { engine.flush() };
    if let Err(error) = flushed {
        fail_stop("flush of the state engine", &error);
    }
    failpoint!("raftstore::log_gc::after_flush");
    raft.push(Message::Flushed { applied });
    // Gives back files that an earlier round emptied.
    if let Err(error) = raft_log.purge() {
        fail_stop("raft log purge", &error);
    }
}

impl RaftLoop {
    /// Counts what was appended; enough of it makes a truncation worth a flush.
    pub(super) fn note_appended(&mut self, bytes: u64) {
        self.appended_bytes += bytes;
        if self.appended_bytes >= self.log_gc_bytes {
            self.appended_bytes = 0;
            self.background.collect_log();
        }
    }

    /// Truncates logs behind the flushed index and behind every peer.
    pub(super) fn truncate_logs(&mut self, flushed: &[Flushed]) {
        for Flushed { region_id, peer_id, index: flushed } in flushed {
            let peer = self.peers.get_mut(region_id).filter(|peer| peer.view.peer.id == *peer_id);
            let Some(peer) = peer else {
                continue;
            };
            debug_assert!(*flushed <= peer.view.applied().applied_index, "flushed implies applied");
            peer.tell_applied();
            if peer.propose_compaction(*flushed, self.log_lag_max) {
                self.dirty.insert(*region_id);
            }
            let alone = peer.is_only_voter() && peer.region.peers.len() == 1;
            // The entry at the index itself stays: its term is asked for.
            let index = if alone { *flushed } else { peer.view.compact_index().min(*flushed) };
            if index > peer.told_applied || index == 0 {
                continue;
            }
            peer.node.mut_store().truncate_to(index);
            if let Err(error) = self.raft_log.compact_to(*region_id, index) {
                fail_stop("raft log truncation", &error);
            }
            self.metrics.log_compactions.add(1);
        }
    }
}

impl Peer {
    /// As the leader of several, gives leave to compact what all have that are worth waiting for; true when something
    /// was proposed.
    fn propose_compaction(&mut self, flushed: u64, lag_max: u64) -> bool {
        // The log of a region that is merged is needed by those who take it over.
        if !self.is_leader() || self.region.peers.len() == 1 || self.is_stopping() {
            return false;
        }
        let reach = |progress: &Progress| progress.matched.max(progress.pending_snapshot);
        let reached = self.node.raft.prs().iter().map(|(_, progress)| reach(progress));
        let awaited = reached.filter(|reached| reached + lag_max >= flushed).min();
        let index = awaited.map_or(flushed, |reached| reached.min(flushed));
        let known = self.view.compact_index();
        // Each compaction is an entry, so without this every flush would wake all regions.
        if index <= known || self.view.is_asleep() && index - known <= SLEEPING_ENTRIES_MAX {
            return false;
        }
        let data = encode_compact_log(self.view.region().epoch, index);
        // Dropped while leadership moves; the next flush tries again.
        self.node.propose(Vec::new(), data).is_ok()
    }
}
