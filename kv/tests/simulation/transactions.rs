//! Transactions through the client: a bank, registers, a growing set, and splits under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, Error, ScanOptions, Transaction, TransactionOptions};
use rutile_kv_env::{Env, Machine, TaskHandle};
use rutile_kv_types::{KeyRange, TimeStamp};
use rutile_pd_client::PdClient;

use crate::carrier::Endpoint;
use crate::history::History;
use crate::world::World;

const ACCOUNTS: u64 = 8;
const START_BALANCE: i64 = 100;
const REGISTERS: u64 = 4;
const WORKERS_PER_CLIENT: usize = 3;
const PAUSE_MS: std::ops::Range<u64> = 0..150;
const THINK_MS: std::ops::Range<u64> = 100..3_000;

/// Shared by all clients of a run.
pub struct Transactions {
    world: World,
    pub history: History,
    stop: AtomicBool,
    workers: Mutex<Vec<TaskHandle>>,
}

/// One client program.
struct Worker {
    shared: Arc<Transactions>,
    client: Client,
    env: Env,
}

fn account(n: u64) -> Bytes {
    Bytes::from(format!("account-{n}"))
}

fn balance_of(value: &Bytes) -> i64 {
    String::from_utf8_lossy(value).parse().expect("a balance")
}

impl Transactions {
    pub fn new(world: &World) -> Arc<Transactions> {
        Arc::new(Transactions {
            world: world.clone(),
            history: History::default(),
            stop: AtomicBool::new(false),
            workers: Mutex::default(),
        })
    }

    /// Opens the accounts in fair weather.
    pub async fn open_accounts(&self, client: &Client) {
        loop {
            let Ok(mut transaction) = client.begin(TransactionOptions::default()).await else { continue };
            (0..ACCOUNTS).for_each(|n| transaction.put(account(n), Bytes::from(START_BALANCE.to_string())));
            if transaction.commit().await.is_ok() {
                return;
            }
        }
    }

    /// Turns a client's machine on and starts its workers.
    pub fn start_client(self: &Arc<Self>, machine: &Machine) {
        let env = machine.power_on();
        for _ in 0..WORKERS_PER_CLIENT {
            let (shared, spawn) = (self.clone(), env.spawn.clone());
            let (env, machine) = (env.clone(), machine.clone());
            let work = async move {
                while !shared.stop.load(Ordering::SeqCst) {
                    if let Ok(client) = shared.world.client(&machine, &env).await {
                        return Worker { shared, client, env }.run().await;
                    }
                }
            };
            self.workers.lock().push(spawn.spawn("worker", Box::pin(work)));
        }
    }

    /// No new transactions; waits for those under way. Workers that lost their power have ended already.
    pub async fn finish(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let workers = std::mem::take(&mut *self.workers.lock());
        for worker in workers {
            worker.join().await;
        }
    }

    /// Everything that was told is true, and replicas agree.
    pub async fn check(self: &Arc<Self>, client: &Client, env: &Env) {
        let worker = Worker { shared: self.clone(), client: client.clone(), env: env.clone() };
        // The last audits also resolve what dead clients left.
        for _ in 0..2 {
            while worker.audit().await.is_err() {}
            while worker.scan_everything().await.is_err() {}
        }
        self.history.check(client).await;
        client.close().await;
        let service = self.world.pd.up().expect("PD is on").1;
        let pd = PdClient::connect(self.world.simulation.env(), service).await.expect("PD answers");
        crate::replicas::wait_until_equal(&self.world, env, &pd).await;
    }
}

impl Worker {
    async fn run(self) {
        while !self.shared.stop.load(Ordering::SeqCst) {
            let random = &self.env.random;
            // An error is an answer too: the history has taken note of it.
            let _ = match random.range(0..20) {
                0..=5 => self.transfer().await,
                6 | 7 => self.audit().await,
                8..=11 => self.write_register().await,
                12..=15 => self.read_registers().await,
                16 | 17 => self.insert().await,
                _ if self.shared.world.shape.splits => self.split().await,
                _ => self.read_registers().await,
            };
            self.env.clock.sleep(Duration::from_millis(random.range(PAUSE_MS))).await;
        }
        self.client.close().await;
    }

    async fn begin(&self) -> Result<Transaction, Error> {
        let history = &self.shared.history;
        let floor = history.floor();
        let transaction = self.client.begin(TransactionOptions::default()).await?;
        history.started(transaction.start_ts(), floor);
        Ok(transaction)
    }

    async fn get(&self, transaction: &Transaction, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let found = transaction.batch_get(keys).await?;
        let values: Vec<Option<Bytes>> = keys.iter().map(|key| found.get(key).cloned()).collect();
        for (key, value) in keys.iter().zip(&values) {
            self.shared.history.read(transaction.start_ts(), key, value.clone());
        }
        Ok(values)
    }

    async fn commit(
        &self,
        mut transaction: Transaction,
        pairs: Vec<(Bytes, Bytes)>,
        unique: bool,
    ) -> Result<(), Error> {
        if self.env.random.one_in(4) {
            // Long enough for leaders to change under it.
            self.env.clock.sleep(Duration::from_millis(self.env.random.range(THINK_MS))).await;
        }
        self.shared.history.committing();
        let verdict = transaction.commit().await;
        let outcome = verdict.as_ref().map(drop).map_err(Clone::clone);
        self.shared.history.committed(verdict, pairs, unique);
        outcome
    }

    async fn transfer(&self) -> Result<(), Error> {
        let from = self.env.random.range(0..ACCOUNTS);
        let to = (from + 1 + self.env.random.range(0..ACCOUNTS - 1)) % ACCOUNTS;
        let mut transaction = self.begin().await?;
        let keys = [account(from), account(to)];
        let values = self.get(&transaction, &keys).await?;
        let amount = self.env.random.range(1..10) as i64;
        let mut pairs = Vec::new();
        for ((key, value), change) in keys.into_iter().zip(values).zip([-amount, amount]) {
            let balance = balance_of(&value.expect("accounts stay")) + change;
            let value = Bytes::from(balance.to_string());
            transaction.put(key.clone(), value.clone());
            pairs.push((key, value));
        }
        self.commit(transaction, pairs, false).await
    }

    async fn audit(&self) -> Result<(), Error> {
        let transaction = self.begin().await?;
        let keys: Vec<Bytes> = (0..ACCOUNTS).map(account).collect();
        let values = self.get(&transaction, &keys).await?;
        let sum: i64 = values.iter().map(|value| balance_of(value.as_ref().expect("accounts stay"))).sum();
        assert_eq!(sum, START_BALANCE * ACCOUNTS as i64, "money at {}: {values:?}", transaction.start_ts());
        Ok(())
    }

    async fn write_register(&self) -> Result<(), Error> {
        let key = Bytes::from(format!("register-{}", self.env.random.range(0..REGISTERS)));
        let mut transaction = self.begin().await?;
        if self.env.random.one_in(2) {
            self.get(&transaction, std::slice::from_ref(&key)).await?;
        }
        let value = self.shared.history.unique_value();
        transaction.put(key.clone(), value.clone());
        self.commit(transaction, vec![(key, value)], true).await
    }

    async fn read_registers(&self) -> Result<(), Error> {
        let transaction = self.begin().await?;
        let first = self.env.random.range(0..REGISTERS);
        let count = self.env.random.range(1..3);
        let keys: Vec<Bytes> =
            (0..count).map(|n| Bytes::from(format!("register-{}", (first + n) % REGISTERS))).collect();
        self.get(&transaction, &keys).await.map(drop)
    }

    async fn insert(&self) -> Result<(), Error> {
        let value = self.shared.history.unique_value();
        let key = Bytes::from(format!("set-{:03}", self.env.random.range(0..1_000)));
        let mut transaction = self.begin().await?;
        transaction.insert(key.clone(), value.clone());
        self.commit(transaction, vec![(key, value)], true).await
    }

    async fn split(&self) -> Result<(), Error> {
        let key = match self.env.random.range(0..3) {
            0 => account(self.env.random.range(0..ACCOUNTS)),
            1 => Bytes::from(format!("register-{}", self.env.random.range(0..REGISTERS))),
            _ => Bytes::from(format!("set-{:03}", self.env.random.range(0..1_000))),
        };
        self.client.split_region(&[key]).await
    }

    /// Walks all keys at one timestamp; what it finds is a claim like any other.
    async fn scan_everything(&self) -> Result<(), Error> {
        let transaction = self.begin().await?;
        let ts: TimeStamp = transaction.start_ts();
        let mut scanner =
            transaction.scan(KeyRange::all(), ScanOptions { batch: 50, ..ScanOptions::default() });
        while let Some((key, value)) = scanner.next().await? {
            self.shared.history.read(ts, &key, Some(value));
        }
        Ok(())
    }
}
