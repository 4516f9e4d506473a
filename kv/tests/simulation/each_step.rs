//! One mishap at each request of a commit, in turn: every way to commit, every request, every mishap.
//!
//! All transactions of a run write the same three keys, each a number higher, so that every snapshot shows whether
//! transactions are atomic: all keys hold the same number. A reader looks all the time, resolves what is in its way,
//! and must never see the numbers fall. What the client was told must be what is there, and stay there when late
//! requests have arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, ClientConfig, Error, LockOptions, TransactionOptions};
use rutile_kv_env::{Env, NetworkFaults, Simulation, TaskEnd};

use crate::carrier::{Mishap, Script};
use crate::seeds::Story;
use crate::shape::Shape;
use crate::transaction_run::AUDITOR;
use crate::world::World;

const MISHAPS: [Mishap; 8] = [
    Mishap::RequestLost,
    Mishap::AnswerLost,
    Mishap::AnswersLost,
    Mishap::RequestTwice,
    Mishap::RequestAgainLate,
    Mishap::RequestLate,
    Mishap::DiesBefore,
    Mishap::DiesAfter,
];
/// Short, so that those who look on often decide for the client.
const LOCK_TTL: Duration = Duration::from_millis(400);
/// Longer than the locks of a dead client live.
const BUDGET: Duration = Duration::from_secs(3);
/// By then late requests have arrived.
const OVER: Duration = Duration::from_secs(7);

/// How the transactions of a run commit.
#[derive(Clone, Copy, Debug)]
struct Way {
    one_pc: bool,
    async_commit: bool,
    pessimistic: bool,
    keys: &'static [&'static str],
}

/// Two regions with the border at "m".
const FAR: &[&str] = &["a", "b", "z"];
const NEAR: &[&str] = &["a", "b"];

/// One way for each seed.
fn way(seed: u64) -> Way {
    let pessimistic = seed % 2 == 1;
    match seed / 2 % 4 {
        0 => Way { one_pc: false, async_commit: false, pessimistic, keys: FAR },
        1 => Way { one_pc: false, async_commit: true, pessimistic, keys: FAR },
        2 => Way { one_pc: true, async_commit: false, pessimistic, keys: NEAR },
        _ => Way { one_pc: true, async_commit: true, pessimistic, keys: FAR },
    }
}

/// The locks ended before the commit came through, and the reader removed them; or no answer came before the commit
/// point.
fn was_too_slow(error: &Error) -> bool {
    match error {
        Error::RolledBack { .. } | Error::Backoff { .. } => true,
        Error::WriteConflict { start_ts, conflict_start_ts, .. } => start_ts == conflict_start_ts,
        _ => false,
    }
}

struct Run {
    world: World,
    way: Way,
    /// The number that was seen in all keys last.
    seen: Mutex<u64>,
    stop: AtomicBool,
}

fn keys(way: Way) -> Vec<Bytes> {
    way.keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect()
}

/// Cases that were played.
pub fn run(seed: u64, bugs: &[&'static str]) -> u64 {
    let simulation = Simulation::new(seed);
    let _story = Story(simulation.clone());
    bugs.iter().for_each(|bug| simulation.plant(bug));
    let env = simulation.env();
    let shape = Shape { stores: 3, clients: 1, ..Shape::of_raft(&*env.random) };
    let world = World::start(simulation.clone(), shape);
    let run = Arc::new(Run { world, way: way(seed), seen: Mutex::new(0), stop: AtomicBool::new(false) });
    simulation.network().set_faults(NetworkFaults::none());
    simulation.set_rare_turns(false);
    let cases = simulation.block_on(run.play());
    run.world.end();
    cases
}

impl Run {
    fn config(&self) -> ClientConfig {
        let Way { one_pc, async_commit, .. } = self.way;
        let batch_bytes_max = if one_pc { 1 << 20 } else { 1 };
        let (lock_ttl, pessimistic_lock_ttl) = (LOCK_TTL, 2 * LOCK_TTL);
        ClientConfig {
            one_pc,
            async_commit,
            batch_bytes_max,
            lock_ttl,
            pessimistic_lock_ttl,
            commit_budget: BUDGET,
            retry_budget: BUDGET,
            ..ClientConfig::default()
        }
    }

    async fn play(self: &Arc<Self>) -> u64 {
        let auditor = self.world.simulation.machine(AUDITOR);
        let env = auditor.power_on();
        let client = self.world.client(&auditor, &env).await.expect("PD is on");
        while client.split_region(&[Bytes::from_static(b"m")]).await.is_err() {}
        let (run, look) = (self.clone(), client.clone());
        let reader = env.spawn.spawn("reader", Box::pin(async move { run.look_on(&look).await }));
        let (mut cases, mut number) = (0, 0);
        for mishap in MISHAPS {
            for request in 0.. {
                number += 1;
                let script = Arc::new(Script::new(mishap, request));
                self.case(&client, number, &script).await;
                if !script.happened() {
                    break;
                }
                cases += 1;
            }
        }
        self.stop.store(true, Ordering::SeqCst);
        assert_eq!(reader.join().await, TaskEnd::Finished);
        auditor.power_off();
        cases
    }

    /// Writes `number`, and compares the verdict with what is there.
    async fn case(self: &Arc<Self>, auditor: &Client, number: u64, script: &Arc<Script>) {
        let before = *self.seen.lock();
        let verdict = self.write(number, script).await;
        let told = format!("{:?} of {:?}: {verdict:?}", script.mishap, self.way);
        let found = self.look(auditor).await;
        match &verdict {
            Some(Ok(())) => assert_eq!(found, number, "committed: {told}"),
            Some(Err(Error::Undetermined { .. })) | None => {}
            Some(Err(error)) => {
                assert!(was_too_slow(error), "nothing else stood in the way: {told}");
                assert!(found <= before, "not committed: {found}, {told}");
            }
        }
        if matches!(script.mishap, Mishap::RequestAgainLate | Mishap::RequestLate) {
            self.world.simulation.env().clock.sleep(OVER).await;
            assert_eq!(self.look(auditor).await, found, "a late request changed it: {told}");
        }
    }

    /// `None` when the client died.
    async fn write(self: &Arc<Self>, number: u64, script: &Arc<Script>) -> Option<Result<(), Error>> {
        let machine = self.world.clients.first().expect("a machine for the client").clone();
        let env = machine.power_on();
        let verdict = Arc::new(Mutex::new(None));
        let (run, script, told) = (self.clone(), script.clone(), verdict.clone());
        let (client_env, client_machine) = (env.clone(), machine.clone());
        let write = async move {
            let client =
                run.world.client_with(&client_machine, &client_env, run.config(), Some(script)).await;
            let client = client.expect("PD is on");
            let outcome = run.transaction(&client, number).await;
            *told.lock() = Some(outcome);
            // What goes on in the background after the verdict has its mishaps too.
            client.close().await;
        };
        env.spawn.spawn("writer", Box::pin(write)).join().await;
        machine.power_off();
        verdict.lock().take()
    }

    async fn transaction(&self, client: &Client, number: u64) -> Result<(), Error> {
        let options =
            TransactionOptions { pessimistic: self.way.pessimistic, ..TransactionOptions::default() };
        let mut transaction = client.begin(options).await?;
        let keys = keys(self.way);
        if self.way.pessimistic {
            transaction.lock_keys(&keys, &LockOptions::default()).await?;
        }
        keys.into_iter().for_each(|key| transaction.put(key, Bytes::from(number.to_string())));
        transaction.commit().await.map(drop)
    }

    /// The number in all keys.
    async fn look(&self, client: &Client) -> u64 {
        loop {
            let before = *self.seen.lock();
            let Ok(ts) = client.timestamp().await else { continue };
            let keys = keys(self.way);
            let Ok(found) = client.snapshot(ts).batch_get(&keys).await else { continue };
            let number = |key: &Bytes| {
                found
                    .get(key)
                    .map_or(0, |value| String::from_utf8_lossy(value).parse::<u64>().expect("a number"))
            };
            let numbers: Vec<u64> = keys.iter().map(number).collect();
            let first = numbers.first().copied().unwrap_or(0);
            assert!(
                numbers.iter().all(|number| *number == first),
                "{numbers:?} at {ts} under {:?}",
                self.way
            );
            assert!(first >= before, "{first} after {before} under {:?}", self.way);
            let mut seen = self.seen.lock();
            *seen = (*seen).max(first);
            return first;
        }
    }

    async fn look_on(&self, client: &Client) {
        let env: Env = client.env().clone();
        while !self.stop.load(Ordering::SeqCst) {
            self.look(client).await;
            env.clock.sleep(Duration::from_millis(env.random.range(1..300))).await;
        }
    }
}
