//! Transfers between accounts: the sum never changes.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::Error;

use super::Workload;
use crate::session::Session;

const ACCOUNTS: u64 = 8;
const START_BALANCE: i64 = 100;

#[derive(Default)]
pub struct Bank {
    transfers: Mutex<u64>,
}

fn account(n: u64) -> Bytes {
    Bytes::from(format!("account-{n}"))
}

fn balance_of(value: &Option<Bytes>) -> i64 {
    let value = value.as_ref().expect("accounts stay");
    String::from_utf8_lossy(value).parse().expect("a balance")
}

impl Bank {
    async fn transfer(&self, session: &Session) -> Result<(), Error> {
        let from = session.random().range(0..ACCOUNTS);
        let to = (from + 1 + session.random().range(0..ACCOUNTS - 1)) % ACCOUNTS;
        let mut attempt = session.begin().await?;
        let keys = [account(from), account(to)];
        let values = attempt.read(&keys).await?;
        let amount = session.random().range(1..10) as i64;
        for ((key, value), change) in keys.into_iter().zip(&values).zip([-amount, amount]) {
            attempt.put(key, Bytes::from((balance_of(value) + change).to_string()));
        }
        attempt.commit().await?;
        *self.transfers.lock() += 1;
        Ok(())
    }

    async fn audit(&self, session: &Session) -> Result<(), Error> {
        let attempt = session.begin_reading().await?;
        let keys: Vec<Bytes> = (0..ACCOUNTS).map(account).collect();
        let values = attempt.read_snapshot(&keys).await?;
        let sum: i64 = values.iter().map(balance_of).sum();
        let ts = attempt.transaction.start_ts();
        assert_eq!(sum, START_BALANCE * ACCOUNTS as i64, "money at {ts}: {values:?}");
        Ok(())
    }
}

#[async_trait]
impl Workload for Bank {
    async fn open(&self, session: &Session) -> Result<(), Error> {
        let mut attempt = session.begin().await?;
        (0..ACCOUNTS).for_each(|n| attempt.put(account(n), Bytes::from(START_BALANCE.to_string())));
        attempt.commit().await
    }

    async fn step(&self, session: &Session) -> Result<(), Error> {
        if session.random().one_in(4) { self.audit(session).await } else { self.transfer(session).await }
    }

    async fn close(&self, session: &Session) -> Result<(), Error> {
        self.audit(session).await
    }

    /// The audits did.
    fn judge(&self) {}

    fn count(&self) -> u64 {
        *self.transfers.lock()
    }
}
