//! Known bugs, each behind a name that only a simulation can plant, and the run that must find it.

use crate::{raft_run, seeds};

/// Seeds tried for each bug.
const SEEDS_MAX: u64 = 60;

pub struct Bug {
    pub name: &'static str,
    run: fn(u64, &'static str),
}

const fn raft(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            raft_run::run(seed, &[bug]);
        },
    }
}

pub const BUGS: &[Bug] = &[
    // Acknowledged or voted for before it is durable.
    raft("raftstore::ready::ack_before_sync"),
    raft("raftstore::ready::send_before_append"),
    raft("raftstore::ready::vote_not_persisted"),
    // Read by one who may have been replaced.
    raft("raftstore::read::lease_ignored"),
    raft("raftstore::read::before_own_term"),
    // Log thrown away that somebody needs.
    raft("raftstore::log_gc::not_flushed"),
    raft("raftstore::log_gc::past_follower"),
];

pub struct Found {
    pub seed: u64,
    pub failure: String,
}

/// The first seed that finds a bug.
pub fn find(bug: &Bug) -> Option<Found> {
    (0..SEEDS_MAX).find_map(|seed| {
        let failure = seeds::failure(seed, |seed| (bug.run)(seed, bug.name))?;
        Some(Found { seed, failure: failure.lines().next().unwrap_or_default().to_owned() })
    })
}
