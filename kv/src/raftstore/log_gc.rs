//! Raft log truncation: only behind what the state engine has flushed.
//!
//! The state engine is not synced per write, so the raft log is what a crash leaves of the newest writes. The
//! applied indexes are read *before* the flush: whatever they cover was in the engine when the flush began. Only
//! then the raft thread is told, which truncates behind what every follower has as well.
use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::{fail_stop, failpoint};

use super::inbox::Inbox;
use super::message::Message;
use super::store::RaftLoop;
use super::view::Regions;

/// Flushes the state engine and has the logs truncated.
pub fn run(engine: &dyn Engine, raft_log: &dyn RaftLog, regions: &Regions, raft: &Inbox<Message>) {
    let applied = regions.all().iter().map(|view| (view.region_id, view.applied().applied_index)).collect();
    failpoint!("raftstore::log_gc::before_flush");
    if let Err(error) = engine.flush() {
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

    /// Truncates logs behind the flushed index and behind every follower.
    pub(super) fn truncate_logs(&mut self, flushed: &[(u64, u64)]) {
        for (region_id, index) in flushed {
            let Some(peer) = self.peers.get_mut(region_id) else {
                continue;
            };
            let replicated = if peer.is_leader() {
                peer.node.raft.prs().iter().map(|(_, progress)| progress.matched).min()
            } else {
                None
            };
            // The entry at the index itself stays: its term is asked for.
            let index = replicated.map_or(*index, |matched| matched.min(*index));
            debug_assert!(index <= peer.view.applied().applied_index, "flushed implies applied");
            peer.tell_applied();
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
