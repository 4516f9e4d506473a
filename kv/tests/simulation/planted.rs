//! Known bugs, each behind a name that only a simulation can plant, and the run that must find it.

use crate::nemesis::Faults;
use crate::session::Style;
use crate::{each_step, raft_run, seeds, storm, transaction_run};

const fn transactions(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            transaction_run::run(seed, &[bug]);
        },
    }
}

/// Commits in one phase while leadership moves, which one run in twenty finds; among all other faults, one in a hundred
/// and fifty.
const fn moving_leaders(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            let faults = Faults { leaders_move: true, ..Faults::default() };
            transaction_run::run_in(seed, &[bug], faults, |shape| {
                (shape.client_config.one_pc, shape.client_config.async_commit) = (true, true);
                shape.splits = false;
            });
        },
    }
}

/// Regions that move between stores which fail in the middle of it.
const fn moving_members(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            let faults = Faults { members_move: true, ..Faults::default() };
            transaction_run::run_in(seed, &[bug], faults, |_| {});
        },
    }
}

/// Regions that are split and merged among all other faults, under reads and writes past the transaction client.
const fn merging_raft(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            let faults = Faults { merges: Some(crate::BESIDE), ..Faults::default() };
            raft_run::run_in(seed, &[bug], faults, |_| {});
        },
    }
}

/// Regions that sleep, whose leaders are cut off from the others meanwhile.
const fn sleeping_raft(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            let faults = Faults { sleeps: true, only_lulls: true, ..Faults::default() };
            raft_run::run_in(seed, &[bug], faults, |shape| {
                shape.stores = 3;
                shape.let_sleep_at_once();
            });
        },
    }
}

/// Regions that are split and merged all the time under locks in memory, while nothing else fails.
const fn merge_storm(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            storm::run_in(seed, &[bug], true, |shape| {
                shape.config.in_memory_pessimistic_locks = true;
                shape.styles = Style::LOCKING.to_vec();
            });
        },
    }
}

/// Reads that followers serve, among all other faults.
const fn followers(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            let faults = Faults { pd: true, ..Faults::default() };
            transaction_run::run_in(seed, &[bug], faults, crate::read_at_followers);
        },
    }
}

/// Seeds tried for each bug, after those that are kept for it.
const SEEDS_MAX: u64 = 150;

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

const fn each_step(name: &'static str) -> Bug {
    Bug {
        name,
        run: |seed, bug| {
            each_step::run(seed, &[bug]);
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
    // Old and new data mixed.
    transactions("raftstore::snapshot::range_not_cleared"),
    // Decided on what another leader, another region or another command has changed since.
    transactions("raftstore::apply::epoch_ignored"),
    transactions("txn::scheduler::early_unlatch"),
    // A commit timestamp below a read that was answered.
    transactions("txn::scheduler::max_ts_not_raised"),
    // Time that goes back.
    transactions("pd::tso::window_not_saved"),
    raft("raftstore::transport::vote_after_restart"),
    raft("raftstore::snapshot::applying_not_synced"),
    // Members that are none, or not yet.
    moving_members("raftstore::destroy::removed_peer_stays"),
    raft("raftstore::conf_change::before_commit"),
    // Leadership handed on by one who goes on reading.
    raft("raftstore::transfer_leader::keeps_lease"),
    // A leader that slept, and reads before the others confirmed it.
    sleeping_raft("raftstore::hibernate::lease_kept"),
    // Locks in memory that are lost when leadership is handed on.
    merge_storm("raftstore::transfer_leader::change_ignored"),
    // A region that takes over less than there was.
    merging_raft("raftstore::merge::source_not_caught_up"),
    // A verdict that others do not share.
    each_step("client::committer::lost_answer_is_refusal"),
    each_step("client::lock_resolver::secondaries_not_asked"),
    transactions("txn::scheduler::memory_locks_ignored"),
    moving_leaders("raftstore::read::max_ts_not_synced"),
    // A follower that is behind, or below a commit that its leader makes without asking.
    followers("raftstore::follower_read::index_ignored"),
    followers("raftstore::follower_read::leader_does_not_look"),
];

pub struct Found {
    pub seed: u64,
    pub failure: String,
}

/// The first seed that finds a bug.
pub fn find(bug: &Bug) -> Option<Found> {
    seeds::of(bug.name, 0..SEEDS_MAX).into_iter().find_map(|seed| {
        let failure = seeds::failure(seed, |seed| (bug.run)(seed, bug.name))?;
        Some(Found { seed, failure: failure.lines().next().unwrap_or_default().to_owned() })
    })
}
