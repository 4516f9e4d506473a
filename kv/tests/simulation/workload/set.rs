//! Unique values inserted under keys that must not exist, and scans over everything. The history judges them.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Error, ScanOptions};
use rutile_kv_types::KeyRange;

use super::Workload;
use crate::session::Session;

#[derive(Default)]
pub struct Inserts {
    inserted: Mutex<u64>,
}

impl Inserts {
    async fn insert(&self, session: &Session) -> Result<(), Error> {
        let key = Bytes::from(format!("set-{:03}", session.random().range(0..1_000)));
        let mut attempt = session.begin().await?;
        attempt.put_unique(key, session.history.unique_value(), true);
        attempt.commit().await?;
        *self.inserted.lock() += 1;
        Ok(())
    }

    /// Walks all keys at one timestamp; what it finds is a claim like any other.
    async fn scan(&self, session: &Session) -> Result<(), Error> {
        let attempt = session.begin_reading().await?;
        let options = ScanOptions { batch: 50, ..ScanOptions::default() };
        let mut scanner = attempt.transaction.scan(KeyRange::all(), options);
        while let Some((key, value)) = scanner.next().await? {
            session.history.read(attempt.transaction.start_ts(), &key, Some(value));
        }
        Ok(())
    }
}

#[async_trait]
impl Workload for Inserts {
    async fn step(&self, session: &Session) -> Result<(), Error> {
        if session.random().one_in(8) { self.scan(session).await } else { self.insert(session).await }
    }

    async fn close(&self, session: &Session) -> Result<(), Error> {
        self.scan(session).await
    }

    fn judge(&self) {}

    fn count(&self) -> u64 {
        *self.inserted.lock()
    }
}
