//! Every command may come twice, late, or after its opposite.
//!
//! All sequences of three commands of one transaction are run, then judged: a command that comes again at once
//! changes nothing; no key ever has both a commit and a rollback of the transaction; and no answer that says
//! "committed" is followed by one that says "rolled back", or the other way round.
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_env::Env;
use rutile_kv_types::{Cf, Key, Mutation, TimeStamp, WriteRef, WriteType};

use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, KeyError, Result};
use crate::local_replica::LocalReplica;
use crate::txn::{
    CheckTxnStatus, Commit, HeartBeat, Prewrite, Prewritten, ResolveLock, Rollback, Scheduler, TxnStatus,
    Verdict,
};

const START: u64 = 10;
const COMMIT: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Prewrite,
    OnePc,
    Commit,
    CommitSecondary,
    Rollback,
    CheckAlive,
    CheckExpired,
    ResolveCommit,
    ResolveRollback,
    ResolveRegion,
    HeartBeat,
}

const STEPS: [Step; 11] = [
    Step::Prewrite,
    Step::OnePc,
    Step::Commit,
    Step::CommitSecondary,
    Step::Rollback,
    Step::CheckAlive,
    Step::CheckExpired,
    Step::ResolveCommit,
    Step::ResolveRollback,
    Step::ResolveRegion,
    Step::HeartBeat,
];

/// What an answer says about the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Committed,
    RolledBack,
    Open,
}

struct World {
    replica: Arc<LocalReplica>,
    scheduler: Scheduler<LocalReplica>,
}

impl World {
    fn new() -> Self {
        let replica = LocalReplica::new(Bytes::new(), Bytes::new());
        let scheduler =
            Scheduler::new(Env::simulated(1), replica.clone(), Arc::new(ConcurrencyManager::default()));
        World { replica, scheduler }
    }

    async fn run(&self, step: Step) -> Result<Fate> {
        let context = self.replica.context();
        let run = &self.scheduler;
        let (start, commit) = (TimeStamp::new(START), TimeStamp::new(COMMIT));
        let (primary, secondary) = (Key::from_raw(b"p"), Key::from_raw(b"s"));
        let both = vec![primary.clone(), secondary.clone()];
        match step {
            Step::Prewrite | Step::OnePc => {
                let mutations = vec![Mutation::put("p", "1"), Mutation::put("s", vec![b'x'; 300])];
                let mut command = Prewrite::new(mutations, Bytes::from("p"), start, 0);
                command.try_one_pc = step == Step::OnePc;
                match run.run(&context, command).await? {
                    Prewritten::Committed { .. } => Ok(Fate::Committed),
                    Prewritten::Locked | Prewritten::Blocked(_) => Ok(Fate::Open),
                }
            }
            Step::Commit => {
                run.run(&context, Commit::new(both, start, commit)).await.map(|_| Fate::Committed)
            }
            Step::CommitSecondary => {
                // Secondaries are committed only once the primary is.
                let check = CheckTxnStatus::new(b"p", start, TimeStamp::ZERO, TimeStamp::ZERO);
                match run.run(&context, check).await? {
                    TxnStatus::Committed { commit_ts } => {
                        run.run(&context, Commit::new(vec![secondary], start, commit_ts)).await?;
                        Ok(Fate::Committed)
                    }
                    _ => Ok(Fate::Open),
                }
            }
            Step::Rollback => run.run(&context, Rollback::new(both, start)).await.map(|()| Fate::RolledBack),
            Step::CheckAlive | Step::CheckExpired => {
                let now = if step == Step::CheckExpired { TimeStamp::compose(9, 0) } else { start };
                let mut check = CheckTxnStatus::new(b"p", start, TimeStamp::ZERO, now);
                check.rollback_if_not_exist = step == Step::CheckExpired;
                match run.run(&context, check).await? {
                    TxnStatus::Committed { .. } => Ok(Fate::Committed),
                    TxnStatus::Alive { .. } | TxnStatus::Missing => Ok(Fate::Open),
                    _ => Ok(Fate::RolledBack),
                }
            }
            Step::ResolveCommit | Step::ResolveRollback | Step::ResolveRegion => {
                // Whoever resolves has asked for the fate before.
                let mut check = CheckTxnStatus::new(b"p", start, TimeStamp::ZERO, start);
                check.rollback_if_not_exist = true;
                let (verdict, fate) = match run.run(&context, check).await? {
                    TxnStatus::Committed { commit_ts } => (commit_ts, Fate::Committed),
                    TxnStatus::Alive { .. } => return Ok(Fate::Open),
                    _ => (TimeStamp::ZERO, Fate::RolledBack),
                };
                let verdict = Verdict { start_ts: start, commit_ts: verdict };
                if step == Step::ResolveRegion {
                    run.resolve_region(&context, &[verdict]).await?;
                } else {
                    run.run(&context, ResolveLock::of_transaction(vec![secondary], verdict)).await?;
                }
                Ok(fate)
            }
            Step::HeartBeat => run.run(&context, HeartBeat::new(b"p", start, 5)).await.map(|_| Fate::Open),
        }
    }

    fn check_records(&self, steps: &[Step]) {
        for raw in [b"p", b"s"] {
            let key = Key::from_raw(raw);
            let dump = self.replica.dump();
            let own: Vec<_> = dump
                .iter()
                .filter(|(cf, at, _)| *cf == Cf::Write && key.is_version_of(at))
                .map(|(_, _, value)| WriteRef::parse(value).expect("a record"))
                .filter(|write| write.start_ts == TimeStamp::new(START))
                .map(|write| write.write_type)
                .collect();
            assert!(own.len() <= 1, "{steps:?} left {own:?}");
            let committed = own.first().is_some_and(|kind| *kind != WriteType::Rollback);
            let long = dump.iter().any(|(cf, at, _)| *cf == Cf::Default && key.is_version_of(at));
            let locked = dump.iter().any(|(cf, at, _)| *cf == Cf::Lock && *at == key.as_encoded());
            let needs_value = raw == b"s" && (committed || locked);
            assert_eq!(long, needs_value, "{steps:?}: a long value stays exactly as long as it is needed");
            assert!(!locked || own.is_empty(), "{steps:?}: a lock beside its record");
        }
    }
}

fn fate_of(result: Result<Fate>) -> Option<Fate> {
    match result {
        Ok(Fate::Open) => None,
        Ok(fate) => Some(fate),
        Err(Error::Key(error)) => match *error {
            KeyError::Committed { .. } => Some(Fate::Committed),
            KeyError::WriteConflict { .. } => Some(Fate::RolledBack),
            KeyError::TxnLockNotFound { .. } | KeyError::TxnNotFound { .. } => None,
            other => panic!("unexpected {other:?}"),
        },
        Err(other) => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn commands_in_any_order_agree_on_one_fate() {
    for first in STEPS {
        for second in STEPS {
            for third in STEPS {
                let world = World::new();
                let mut fate: Option<Fate> = None;
                let steps = [first, second, third];
                for step in steps {
                    for repeated in [false, true] {
                        let before = world.replica.dump();
                        if let Some(now) = fate_of(world.run(step).await) {
                            assert!(
                                fate.is_none_or(|fate| fate == now),
                                "{steps:?}: {fate:?}, then {now:?} by {step:?}"
                            );
                            fate = Some(now);
                        }
                        if repeated {
                            assert_eq!(world.replica.dump(), before, "{steps:?}: {step:?} again");
                        }
                        world.check_records(&steps);
                    }
                }
            }
        }
    }
}
