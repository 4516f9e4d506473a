//! Pessimistic locks in memory when the leadership is handed over on purpose.
//!
//! A leader that dies loses them, and prewrites find out what that means. One that gives its leadership away, or its
//! region to another one, proposes them first as ordinary locks, so that no transaction notices.
use rutile_kv_types::Cf;
use smallvec::smallvec;

use super::command::begin_write;
use super::peer::{Peer, Waiting};
use super::propose::Waiter;
use super::store::RaftLoop;
use crate::error::Result;
use crate::pessimistic_locks::MovedLock;
use crate::write_set::WriteSet;

impl RaftLoop {
    /// To be called on the raft loop before it asks raft to transfer the leadership of the region (before
    /// `RawNode::transfer_leader`, as `transfer_leader` does), and before it proposes that the region is merged into
    /// another one. Proposes the pessimistic locks that are kept in memory as ordinary ones, and from then on lets new
    /// ones go through the log.
    ///
    /// Go on at once when it answers true: raft transfers the leadership only to a peer that has the whole log, and the
    /// new leader applies that before it serves. When it answers false, writes are on their way that would fail with the
    /// transfer and leave a lock behind in memory: call it again at the next tick, and go ahead regardless after a few;
    /// a lock lost is found out by the prewrite that needs it.
    ///
    /// When the leadership stays after all (transfer timed out, merge rolled back), call [`RaftLoop::keep_locks`]; a
    /// change of the term does the same.
    pub(super) fn hand_over_locks(&mut self, region_id: u64) -> bool {
        let Some(peer) = self.peers.get_mut(&region_id).filter(|peer| peer.is_leader()) else {
            return true;
        };
        let (locks, is_last) = peer.view.memory_locks.hand_over();
        if !locks.is_empty() {
            peer.propose_locks(locks);
            self.dirty.insert(region_id);
        }
        is_last
    }

    /// The leadership of the region stays here: pessimistic locks are kept in memory again.
    pub(super) fn keep_locks(&mut self, region_id: u64) {
        if let Some(peer) = self.peers.get(&region_id) {
            peer.view.memory_locks.keep();
        }
    }
}

impl Peer {
    fn propose_locks(&mut self, locks: Vec<MovedLock>) {
        let mut writes = WriteSet::default();
        for (key, lock) in &locks {
            writes.put(Cf::Lock, key, &lock.to_bytes());
        }
        let keys: Vec<Vec<u8>> = locks.into_iter().map(|(key, _)| key).collect();
        // Of the raft node: should the view be behind, the table refuses what belongs to another term.
        let (term, table) = (self.node.raft.term, self.view.memory_locks.clone());
        let done = Box::new(move |result: Result<()>| table.stored(term, &keys, result.is_ok()));
        // Behind the writes taken so far, some of which may end locks that are not among these.
        self.propose_group();
        let mut data = Vec::new();
        begin_write(self.view.region().epoch, &mut data);
        data.extend_from_slice(writes.as_bytes());
        self.propose_entry(data, Waiting::Writes(smallvec![Waiter { done, _in_flight: None }]));
    }
}
