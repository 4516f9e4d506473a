//! AUTO_INCREMENT values and hidden row ids.
//!
//! A node reserves a range of ids with one small transaction of its own and then hands them out from
//! memory, so an INSERT does not contend on the counter key and a rollback does not give ids back
//! (as in InnoDB). The stored number is the first id nobody reserved; a crash loses the rest of a range,
//! never repeats it.
//!
//! An explicit value moves the counter: `rebase` makes every later id greater. Ids of one node rise; ids of
//! several nodes interleave by ranges.

use std::sync::Arc;

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use rutile_kv_client::{Client, TransactionOptions};

use super::keys;
use crate::catalog::{TableId, TableInfo};
use crate::error::{Error, Result};

/// AUTO_INCREMENT values one reservation takes.
const AUTO_INCREMENT_STEP: u64 = 4096;
/// Hidden row ids one reservation takes: nobody sees their gaps.
const ROW_ID_STEP: u64 = 65_536;
/// Reservations that may lose to another node before the statement gives up.
const RESERVE_ATTEMPTS_MAX: usize = 64;

/// `auto_increment_increment` and `auto_increment_offset` of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progression {
    pub increment: u64,
    pub offset: u64,
}

impl Default for Progression {
    fn default() -> Self {
        Self { increment: 1, offset: 1 }
    }
}

impl Progression {
    /// The least member of `offset + n * increment` that is at least `id`; `None` beyond u64.
    ///
    /// An offset above the increment is ignored (MySQL manual, `auto_increment_offset`).
    pub fn at_or_above(self, id: u64) -> Option<u64> {
        let increment = self.increment.max(1);
        let offset = if self.offset > increment { 1 } else { self.offset.max(1) };
        if id <= offset {
            return Some(offset);
        }
        let steps = (id - offset).div_ceil(increment);
        steps.checked_mul(increment)?.checked_add(offset)
    }
}

/// Ids in hand: `[next, end)`.
#[derive(Debug, Clone, Copy, Default)]
struct Range {
    next: u64,
    end: u64,
}

/// The allocator of one counter on this node.
struct Counter {
    key: Bytes,
    step: u64,
    /// Where the counter starts when it was never stored.
    first: u64,
    range: Mutex<Range>,
    /// Held while a reservation is on its way, so that only one is.
    reserving: tokio::sync::Mutex<()>,
}

impl Counter {
    /// `count` ids from `progression`; answers the first. The rest follow at its increment.
    async fn allocate(&self, client: &Client, count: u64, progression: Progression) -> Result<u64> {
        loop {
            if let Some(first) = self.take(count, progression)? {
                return Ok(first);
            }
            let _one = self.reserving.lock().await;
            if let Some(first) = self.take(count, progression)? {
                return Ok(first);
            }
            let wanted = count.saturating_mul(progression.increment.max(1)).max(self.step);
            let floor = self.range.lock().next;
            let reserved = self.reserve(client, wanted, floor).await?;
            let mut range = self.range.lock();
            // Nothing between the old range and the new one belongs to another node: go on without a gap.
            if range.end != reserved.next || range.next >= range.end {
                range.next = reserved.next.max(range.next);
            }
            range.end = reserved.end;
        }
    }

    fn take(&self, count: u64, progression: Progression) -> Result<Option<u64>> {
        let mut range = self.range.lock();
        if range.end == 0 {
            return Ok(None);
        }
        let exhausted = || Error::AutoIncrementExhausted;
        let first = progression.at_or_above(range.next.max(1)).ok_or_else(exhausted)?;
        let last = (count.saturating_sub(1))
            .checked_mul(progression.increment.max(1))
            .and_then(|distance| first.checked_add(distance))
            .ok_or_else(exhausted)?;
        if last >= range.end {
            return Ok(None);
        }
        range.next = last + 1;
        Ok(Some(first))
    }

    /// Makes every later id greater than `id`.
    async fn rebase(&self, client: &Client, id: u64) -> Result<()> {
        let next = id.saturating_add(1);
        if self.raise(next) {
            return Ok(());
        }
        let _one = self.reserving.lock().await;
        if self.raise(next) {
            return Ok(());
        }
        let reserved = self.reserve(client, self.step, next).await?;
        *self.range.lock() = Range { next: reserved.next.max(next), end: reserved.end };
        Ok(())
    }

    /// True if the range in hand already covers `next`.
    fn raise(&self, next: u64) -> bool {
        let mut range = self.range.lock();
        if range.end == 0 || next > range.end {
            return false;
        }
        range.next = range.next.max(next);
        true
    }

    /// Moves the stored counter by `count`, starting no lower than `floor`.
    async fn reserve(&self, client: &Client, count: u64, floor: u64) -> Result<Range> {
        for _ in 0..RESERVE_ATTEMPTS_MAX {
            let mut transaction = client.begin(TransactionOptions::default()).await?;
            let stored = match transaction.get(&self.key).await? {
                Some(bytes) => parse(&bytes)?,
                None => self.first,
            };
            let next = stored.max(floor).max(1);
            let end = next.saturating_add(count);
            if next == u64::MAX {
                return Err(Error::AutoIncrementExhausted);
            }
            transaction.put(self.key.clone(), Bytes::from(end.to_string()));
            match transaction.commit().await {
                Ok(_) => return Ok(Range { next, end }),
                // Losing costs only ids: whatever happened to this attempt, the next one reads afresh.
                Err(error) if is_retryable(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::internal("could not reserve AUTO_INCREMENT values: too many conflicts"))
    }
}

fn is_retryable(error: &rutile_kv_client::Error) -> bool {
    matches!(
        error,
        rutile_kv_client::Error::WriteConflict { .. } | rutile_kv_client::Error::Undetermined { .. }
    )
}

fn parse(bytes: &[u8]) -> Result<u64> {
    let number = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Error::corrupt("id counter"))
}

/// The counters this node uses.
pub struct AutoIds {
    client: Client,
    auto_increment: DashMap<TableId, Arc<Counter>>,
    row_ids: DashMap<TableId, Arc<Counter>>,
}

impl AutoIds {
    pub fn new(client: Client) -> Self {
        Self { client, auto_increment: DashMap::new(), row_ids: DashMap::new() }
    }

    /// `count` AUTO_INCREMENT values for rows of one statement; answers the first, the others follow at
    /// `progression.increment`.
    pub async fn allocate(&self, table: &TableInfo, count: u64, progression: Progression) -> Result<u64> {
        self.counter(table).allocate(&self.client, count, progression).await
    }

    /// An explicit value was written: later values are greater.
    pub async fn rebase(&self, table: &TableInfo, id: u64) -> Result<()> {
        self.counter(table).rebase(&self.client, id).await
    }

    /// `count` hidden row ids; answers the first of them, all consecutive.
    pub async fn allocate_row_ids(&self, table: &TableInfo, count: u64) -> Result<u64> {
        let counter = self
            .row_ids
            .entry(table.id)
            .or_insert_with(|| Arc::new(counter(keys::row_id(table.id), ROW_ID_STEP, 1)))
            .clone();
        counter.allocate(&self.client, count, Progression::default()).await
    }

    /// The value the next INSERT would get, as `SHOW CREATE TABLE` and information_schema show it.
    pub async fn peek(&self, table: &TableInfo) -> Result<u64> {
        if let Some(counter) = self.auto_increment.get(&table.id).map(|entry| Arc::clone(&entry)) {
            let range = *counter.range.lock();
            if range.end > 0 {
                return Ok(range.next.max(1));
            }
        }
        let timestamp = self.client.timestamp().await?;
        let stored = self.client.snapshot(timestamp).get(&keys::auto_increment(table.id)).await?;
        stored.map_or(Ok(table.auto_increment_start.max(1)), |bytes| parse(&bytes))
    }

    /// The table is gone: its counters are forgotten.
    pub fn forget(&self, table: TableId) {
        self.auto_increment.remove(&table);
        self.row_ids.remove(&table);
    }

    fn counter(&self, table: &TableInfo) -> Arc<Counter> {
        let first = table.auto_increment_start.max(1);
        self.auto_increment
            .entry(table.id)
            .or_insert_with(|| Arc::new(counter(keys::auto_increment(table.id), AUTO_INCREMENT_STEP, first)))
            .clone()
    }
}

fn counter(key: Bytes, step: u64, first: u64) -> Counter {
    Counter { key, step, first, range: Mutex::new(Range::default()), reserving: tokio::sync::Mutex::new(()) }
}
