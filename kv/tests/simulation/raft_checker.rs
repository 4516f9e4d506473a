//! What must hold of raft whatever happens: one leader per term, and one history of applied entries.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_env::{Event, Simulation};

/// Listens to the stores.
#[derive(Clone, Default)]
pub struct RaftChecker {
    state: Arc<Mutex<State>>,
}

/// What was done to regions: leader transfers begun, snapshots applied, members changed, peers destroyed, regions
/// merged, merges rolled back, reads served by followers, leaders that fell asleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    pub transfers: u64,
    pub snapshots: u64,
    pub changes: u64,
    pub destroyed: u64,
    pub merges: u64,
    pub rollbacks: u64,
    pub follower_reads: u64,
    pub sleeps: u64,
}

impl AddAssign for Operations {
    fn add_assign(&mut self, other: Operations) {
        self.transfers += other.transfers;
        self.snapshots += other.snapshots;
        self.changes += other.changes;
        self.destroyed += other.destroyed;
        self.merges += other.merges;
        self.rollbacks += other.rollbacks;
        self.follower_reads += other.follower_reads;
        self.sleeps += other.sleeps;
    }
}

#[derive(Default)]
struct State {
    /// Machine of whoever became the leader of any region last.
    last_leader: Option<u64>,
    /// Peer that leads a region in a term.
    leaders: BTreeMap<(u64, u64), u64>,
    /// Term and checksum of each applied entry.
    applied: BTreeMap<(u64, u64), (u64, u64)>,
    transfers: u64,
    snapshots: u64,
    /// Changes of members, by region and the epoch after them.
    changes: BTreeSet<(u64, u64)>,
    destroyed: u64,
    /// Merges by source and the index of the entry that prepared them, with the target; and those rolled back.
    merges: BTreeMap<(u64, u64), u64>,
    rollbacks: BTreeSet<(u64, u64)>,
    follower_reads: u64,
    sleeps: u64,
}

impl RaftChecker {
    pub fn listen(simulation: &Simulation) -> RaftChecker {
        let checker = RaftChecker::default();
        let listener = checker.clone();
        simulation.listen(move |event| listener.hear(event));
        checker
    }

    fn hear(&self, event: &Event) {
        let mut state = self.state.lock();
        match (event.name, event.values.as_slice()) {
            ("raftstore::ready::leads", [region, term, peer]) => {
                state.last_leader = Some(event.machine);
                let leader = *state.leaders.entry((*region, *term)).or_insert(*peer);
                assert_eq!(leader, *peer, "region {region} has two leaders in term {term}");
            }
            ("raftstore::apply::entry", [region, index, term, checksum]) => {
                let entry = *state.applied.entry((*region, *index)).or_insert((*term, *checksum));
                assert_eq!(entry, (*term, *checksum), "region {region} applied two entries at {index}");
            }
            ("raftstore::transfer_leader::start", _) => state.transfers += 1,
            ("raftstore::follower_read::served", _) => state.follower_reads += 1,
            ("raftstore::snapshot::applied", _) => state.snapshots += 1,
            ("raftstore::hibernate::sleeps", [_, _, 1]) => state.sleeps += 1,
            ("raftstore::destroy::peer", _) => state.destroyed += 1,
            ("raftstore::merge::merged", [source, commit, target, _]) => {
                let merge = (*source, *commit);
                assert!(!state.rollbacks.contains(&merge), "region {source} was merged and goes on");
                let known = *state.merges.entry(merge).or_insert(*target);
                assert_eq!(known, *target, "region {source} was merged into two");
            }
            ("raftstore::merge::rolled_back", [source, commit]) => {
                let merge = (*source, *commit);
                assert!(!state.merges.contains_key(&merge), "region {source} goes on and was merged");
                state.rollbacks.insert(merge);
            }
            ("raftstore::conf_change::applied", [region, conf_ver, _]) => {
                state.changes.insert((*region, *conf_ver));
            }
            _ => {}
        }
    }

    /// Machine of whoever became a leader last.
    pub fn last_leader(&self) -> Option<u64> {
        self.state.lock().last_leader
    }

    /// What was done to regions so far.
    pub fn operations(&self) -> Operations {
        let state = self.state.lock();
        Operations {
            transfers: state.transfers,
            snapshots: state.snapshots,
            changes: state.changes.len() as u64,
            destroyed: state.destroyed,
            merges: state.merges.len() as u64,
            rollbacks: state.rollbacks.len() as u64,
            follower_reads: state.follower_reads,
            sleeps: state.sleeps,
        }
    }

    /// Leaderships and distinct entries applied so far.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.leaders.len() as u64, state.applied.len() as u64)
    }
}
