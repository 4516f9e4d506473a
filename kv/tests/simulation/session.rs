//! How workloads speak to the cluster: transactions in one of several styles, with a note of what was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, Error, LockOptions, LockWait, Transaction, TransactionOptions};
use rutile_kv_env::{Env, Random};
use rutile_kv_types::TimeStamp;

use crate::history::History;

const THINK_MS: std::ops::Range<u64> = 100..3_000;
/// How often a statement that reads first and locks then is tried again.
const ROUNDS_MAX: usize = 5;

/// How a transaction reads what it is going to write on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// At its start; conflicts show at commit.
    Optimistic,
    /// By locking all keys in one statement.
    LockTogether,
    /// By locking one key after the other, in the order they come: deadlocks happen.
    LockInTurn,
    /// At a fresh timestamp, and then by locking what was found.
    ReadThenLock,
}

impl Style {
    pub const LOCKING: [Style; 3] = [Style::LockTogether, Style::LockInTurn, Style::ReadThenLock];

    pub fn locks(self) -> bool {
        self != Style::Optimistic
    }
}

/// Numbers all that happens in a run.
#[derive(Clone, Default)]
pub struct Moments(Arc<AtomicU64>);

impl Moments {
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// One program of a client.
pub struct Session {
    pub client: Client,
    pub env: Env,
    pub history: Arc<History>,
    pub moments: Moments,
    /// Of the run.
    pub styles: Arc<Vec<Style>>,
}

impl Session {
    pub fn random(&self) -> &dyn Random {
        &*self.env.random
    }

    pub fn one_of<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.random().range(0..choices.len() as u64) as usize]
    }

    /// Begins in one of the styles of the run.
    pub async fn begin(&self) -> Result<Attempt<'_>, Error> {
        self.begin_as(self.one_of(&self.styles)).await
    }

    /// Begins a transaction that only reads.
    pub async fn begin_reading(&self) -> Result<Attempt<'_>, Error> {
        self.begin_as(Style::Optimistic).await
    }

    pub async fn begin_as(&self, style: Style) -> Result<Attempt<'_>, Error> {
        let (floor, begun) = (self.history.floor(), self.moments.next());
        let options = TransactionOptions { pessimistic: style.locks(), ..TransactionOptions::default() };
        let transaction = self.client.begin(options).await?;
        self.history.started(transaction.start_ts(), floor);
        Ok(Attempt {
            session: self,
            transaction,
            style,
            begun,
            written: Vec::new(),
            unique: false,
            locked: Vec::new(),
        })
    }
}

/// A transaction under way.
pub struct Attempt<'a> {
    session: &'a Session,
    pub transaction: Transaction,
    pub style: Style,
    pub begun: u64,
    written: Vec<(Bytes, Bytes)>,
    unique: bool,
    /// What it read under locks. True only if it commits: locks may end before.
    locked: Vec<(TimeStamp, Bytes, Option<Bytes>)>,
}

impl Attempt<'_> {
    /// Values of the keys, in their order, as the style reads them. After an error the transaction is over.
    pub async fn read(&mut self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let read = match self.style {
            Style::Optimistic => self.read_snapshot(keys).await,
            Style::LockTogether => self.lock(keys).await,
            Style::LockInTurn => self.lock_in_turn(keys).await,
            Style::ReadThenLock => self.read_then_lock(keys).await,
        };
        if read.is_err() && self.session.random().one_in(2) {
            // Otherwise dropping it must do.
            let _ = self.transaction.rollback().await;
        }
        read
    }

    /// Values at the start of the transaction.
    pub async fn read_snapshot(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let found = match keys {
            [key] => vec![self.transaction.get(key).await?],
            keys => {
                let found = self.transaction.batch_get(keys).await?;
                keys.iter().map(|key| found.get(key).cloned()).collect()
            }
        };
        for (key, value) in keys.iter().zip(&found) {
            self.session.history.read(self.transaction.start_ts(), key, value.clone());
        }
        Ok(found)
    }

    async fn lock(&mut self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let options = LockOptions { wait: self.wait(), return_values: true, ..LockOptions::default() };
        let locked = self.transaction.lock_keys(keys, &options).await?;
        let found: Vec<_> = keys.iter().map(|key| locked.values.get(key).cloned()).collect();
        let claims = keys.iter().zip(&found);
        self.locked.extend(claims.map(|(key, value)| (locked.for_update_ts, key.clone(), value.clone())));
        Ok(found)
    }

    async fn lock_in_turn(&mut self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.lock(std::slice::from_ref(key)).await?);
        }
        Ok(found)
    }

    async fn read_then_lock(&mut self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let mut rounds = 0;
        loop {
            let for_update_ts = self.transaction.fresh_for_update_ts().await?;
            let found = self.transaction.view_at(for_update_ts).batch_get(keys).await?;
            let found: Vec<_> = keys.iter().map(|key| found.get(key).cloned()).collect();
            for (key, value) in keys.iter().zip(&found) {
                self.session.history.read(for_update_ts, key, value.clone());
            }
            let options = LockOptions {
                wait: self.wait(),
                for_update_ts: Some(for_update_ts),
                ..LockOptions::default()
            };
            rounds += 1;
            match self.transaction.lock_keys(keys, &options).await {
                Ok(_) => return Ok(found),
                Err(Error::WriteConflict { .. }) if rounds < ROUNDS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self) -> LockWait {
        match self.session.random().range(0..8) {
            0 => LockWait::NoWait,
            1 => LockWait::Timeout(Duration::from_millis(self.session.random().range(1..500))),
            _ => LockWait::Timeout(Duration::from_secs(50)),
        }
    }

    pub fn put(&mut self, key: Bytes, value: Bytes) {
        self.transaction.put(key.clone(), value.clone());
        self.written.push((key, value));
    }

    /// A put of a value from [`History::unique_value`], of a key that must not exist if `insert`.
    pub fn put_unique(&mut self, key: Bytes, value: Bytes, insert: bool) {
        self.unique = true;
        if insert {
            self.transaction.insert(key.clone(), value.clone());
            self.written.push((key, value));
        } else {
            self.put(key, value);
        }
    }

    /// Commits, perhaps after a pause. The history takes note of the verdict.
    pub async fn commit(mut self) -> Result<(), Error> {
        let session = self.session;
        if session.random().one_in(4) {
            // Long enough for leaders to change under it.
            session.env.clock.sleep(Duration::from_millis(session.random().range(THINK_MS))).await;
        }
        session.history.committing();
        let verdict = self.transaction.commit().await;
        let outcome = verdict.as_ref().map(drop).map_err(Clone::clone);
        if outcome.is_ok() {
            self.locked.into_iter().for_each(|(ts, key, value)| session.history.read(ts, &key, value));
        }
        session.history.committed(verdict, self.written, self.unique);
        outcome
    }
}

/// Whether a commit that failed so may have been one all the same.
pub fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Undetermined { .. })
}
