//! Every command may come twice, late, or after its opposite.
//!
//! All sequences of three commands of one transaction are run, then judged: a command that comes again at once
//! changes nothing; no key ever has both a commit and a rollback of the transaction; and no answer that says
//! "committed" is followed by one that says "rolled back", or the other way round.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_engine::MemoryEngine;
use rutile_kv_env::Env;
use rutile_kv_types::{Cf, Key, Lock, Mutation, TimeStamp, WriteRef, WriteType};

use crate::error::{ConflictReason, Error, KeyError, Result};
use crate::local_replica::LocalReplica;
use crate::txn::{
    AcquirePessimisticLock, CheckSecondaryLocks, CheckTxnStatus, Commit, HeartBeat, PessimisticAction,
    PessimisticRollback, Prewrite, Prewritten, ResolveLock, Rollback, Scheduler, SecondaryStatus, TxnStatus,
    Verdict,
};

const START: u64 = 10;
const COMMIT: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Lock,
    Unlock,
    UnlockRegion,
    Prewrite,
    PessimisticPrewrite,
    AsyncPrewrite,
    OnePc,
    CheckSecondaries,
    Commit,
    CommitSecondary,
    Rollback,
    CheckAlive,
    CheckExpired,
    ResolveCommit,
    ResolveRollback,
    ResolveRegion,
    HeartBeat,
    /// Another leader was elected meanwhile, and then this one again: locks in memory are gone.
    LoseMemory,
}

const STEPS: [Step; 18] = [
    Step::Lock,
    Step::Unlock,
    Step::UnlockRegion,
    Step::Prewrite,
    Step::PessimisticPrewrite,
    Step::AsyncPrewrite,
    Step::OnePc,
    Step::CheckSecondaries,
    Step::Commit,
    Step::CommitSecondary,
    Step::Rollback,
    Step::CheckAlive,
    Step::CheckExpired,
    Step::ResolveCommit,
    Step::ResolveRollback,
    Step::ResolveRegion,
    Step::HeartBeat,
    Step::LoseMemory,
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
    fn new(in_memory: bool) -> Self {
        let engine = Arc::new(MemoryEngine::new());
        let replica = LocalReplica::over(engine, Bytes::new(), Bytes::new(), in_memory);
        let scheduler = Scheduler::new(Env::simulated(1), replica.clone(), Arc::default(), Arc::default());
        World { replica, scheduler }
    }

    async fn run(&self, step: Step) -> Result<Fate> {
        let context = self.replica.context();
        let run = &self.scheduler;
        let (start, commit) = (TimeStamp::new(START), TimeStamp::new(COMMIT));
        let (primary, secondary) = (Key::from_raw(b"p"), Key::from_raw(b"s"));
        let both = vec![primary.clone(), secondary.clone()];
        match step {
            Step::Lock => {
                let keys = ["p", "s"].map(|key| (Bytes::from(key), false));
                let command = AcquirePessimisticLock::new(keys, Bytes::from("p"), start, start, 0);
                run.acquire(&context, &command, Duration::ZERO).await.map(|_| Fate::Open)
            }
            Step::Unlock => {
                run.run(&context, PessimisticRollback::new(both, start, start)).await.map(|()| Fate::Open)
            }
            Step::UnlockRegion => run.release_region(&context, start, start).await.map(|()| Fate::Open),
            Step::CheckSecondaries => {
                let command = CheckSecondaryLocks::new(vec![secondary], start);
                match run.run(&context, command).await? {
                    SecondaryStatus::Locked(_) => Ok(Fate::Open),
                    SecondaryStatus::Committed { .. } => Ok(Fate::Committed),
                    SecondaryStatus::RolledBack => Ok(Fate::RolledBack),
                }
            }
            Step::Prewrite | Step::PessimisticPrewrite | Step::AsyncPrewrite | Step::OnePc => {
                match run.run(&context, prewrite(step)).await? {
                    Prewritten::Committed { .. } => Ok(Fate::Committed),
                    Prewritten::Locked { .. } | Prewritten::Blocked(_) => Ok(Fate::Open),
                }
            }
            // Only what was prewritten is ever committed.
            Step::Commit if self.lock_on(b"p").is_some_and(|lock| lock.is_pessimistic()) => Ok(Fate::Open),
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
            Step::LoseMemory => {
                self.replica.lose_memory();
                Ok(Fate::Open)
            }
            Step::HeartBeat => run.run(&context, HeartBeat::new(b"p", start, 5)).await.map(|_| Fate::Open),
        }
    }

    fn lock_on(&self, raw: &[u8]) -> Option<Lock> {
        let key = Key::from_raw(raw);
        let dump = self.replica.dump();
        let (_, _, value) = dump.iter().find(|(cf, at, _)| *cf == Cf::Lock && *at == key.as_encoded())?;
        Some(Lock::parse(value).expect("a lock"))
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
            let lock = self.lock_on(raw);
            let prewritten = lock.as_ref().is_some_and(|lock| !lock.is_pessimistic());
            let needs_value = raw == b"s" && (committed || prewritten);
            assert_eq!(long, needs_value, "{steps:?}: a long value stays exactly as long as it is needed");
            assert!(lock.is_none() || own.is_empty(), "{steps:?}: a lock beside its record");
        }
    }
}

/// Both keys.
fn prewrite(step: Step) -> Prewrite {
    let mutations = vec![Mutation::put("p", "1"), Mutation::put("s", vec![b'x'; 300])];
    let mut command = Prewrite::new(mutations, Bytes::from("p"), TimeStamp::new(START), 0);
    command.try_one_pc = step == Step::OnePc;
    command.secondaries = (step == Step::AsyncPrewrite).then(|| vec![Bytes::from("s")]);
    if step == Step::PessimisticPrewrite {
        command.for_update_ts = TimeStamp::new(START);
        command.actions = vec![PessimisticAction::PessimisticCheck; 2];
    }
    command
}

fn fate_of(result: Result<Fate>) -> Option<Fate> {
    match result {
        Ok(Fate::Open) => None,
        Ok(fate) => Some(fate),
        Err(Error::Key(error)) => match *error {
            KeyError::Committed { .. } => Some(Fate::Committed),
            KeyError::WriteConflict { reason: ConflictReason::SelfRolledBack, .. }
            | KeyError::PessimisticLockRolledBack { .. } => Some(Fate::RolledBack),
            // A late request for a lock meets the transaction's own commit.
            KeyError::WriteConflict { reason: ConflictReason::PessimisticRetry, .. } => None,
            KeyError::TxnLockNotFound { .. }
            | KeyError::TxnNotFound { .. }
            | KeyError::LockTypeNotMatch { .. }
            | KeyError::PessimisticLockNotFound { .. } => None,
            other => panic!("unexpected {other:?}"),
        },
        Err(other) => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn commands_in_any_order_agree_on_one_fate() {
    in_any_order(false).await;
}

#[tokio::test]
async fn commands_in_any_order_agree_on_one_fate_with_locks_in_memory() {
    in_any_order(true).await;
}

async fn in_any_order(in_memory: bool) {
    for first in STEPS {
        for second in STEPS {
            for third in STEPS {
                let world = World::new(in_memory);
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
