//! Index entries of the rows that exist, written in batches while sessions go on writing.
//!
//! A batch is one transaction: it reads rows at its snapshot and writes their entries. A session that
//! changes an indexed value of such a row meanwhile writes the same old entry key (as a delete), so one of the
//! two transactions meets a write conflict; the batch then starts again on the newer rows. Rows inserted
//! meanwhile have their entries already: the index has been write-only since before the snapshot.
//!
//! With its entries a batch writes how far the job has come, so that after a crash it goes on there.

use bytes::Bytes;
use rutile_kv_client::{Error as StoreError, ScanOptions, Transaction, TransactionOptions};
use rutile_kv_env::failpoint;
use rutile_kv_types::KeyRange;
use rutile_sql_types::{MySqlError, TimeZone, Value};

use super::job::{Alter, Job, Work};
use crate::catalog::{IndexInfo, TableInfo};
use crate::codec::table_row::decode_row;
use crate::codec::{Handle, index_entry, record_key};
use crate::error::{Error, Result};
use crate::meta::keys;
use crate::session::{Cancellation, Instance};
use crate::txn::duplicate_entry;

/// Rows of one batch while nobody interferes. A conflict halves it: under writers that touch every row often, only
/// small batches get through.
const ROWS_PER_BATCH_MAX: usize = 256;
/// Conflicts in a row before the statement gives up.
const CONFLICTS_MAX: usize = 100;

/// Writes the entries of all rows that the job has not come to yet into `indexes`; a duplicate is error 1062.
pub(super) async fn run(
    instance: &Instance,
    id: i64,
    alter: &mut Alter,
    table: &TableInfo,
    indexes: &[IndexInfo],
    cancellation: &Cancellation,
) -> Result<()> {
    let range = record_key::record_range(table.id);
    let mut start = alter.progress.next.clone().map_or_else(|| range.start.clone(), Bytes::from);
    let mut conflicts = 0;
    let mut rows = ROWS_PER_BATCH_MAX;
    loop {
        if cancellation.is_cancelled() || instance.is_closing() {
            return Err(MySqlError::query_interrupted().into());
        }
        let mut transaction = instance.client().begin(TransactionOptions::default()).await?;
        let rest = KeyRange { start: start.clone(), end: range.end.clone() };
        let done = batch(&mut transaction, table, indexes, rest, rows).await?;
        let mut reached = alter.clone();
        reached.progress.rows += done.rows;
        let next = done.last.as_ref().map_or_else(|| range.end.clone(), after);
        reached.progress.next = Some(next.to_vec());
        let job = Job { id, work: Work::Alter(Box::new(reached.clone())) };
        transaction.put(
            keys::job(id),
            Bytes::from(serde_json::to_vec(&job).map_err(|error| Error::internal(error.to_string()))?),
        );
        match transaction.commit().await {
            Ok(_) => {
                *alter = reached;
                failpoint!(&format!("ddl::backfill::after_batch_of::{}", table.name));
                conflicts = 0;
                rows = (rows * 2).min(ROWS_PER_BATCH_MAX);
            }
            // A row of the batch changed meanwhile or stays locked by a transaction that takes its time, or the batch
            // itself took longer than its locks live.
            Err(
                StoreError::WriteConflict { .. }
                | StoreError::KeyLocked { .. }
                | StoreError::RolledBack { .. },
            ) if conflicts < CONFLICTS_MAX => {
                conflicts += 1;
                rows = (rows / 2).max(1);
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        // Sessions on this thread take their turns between batches.
        tokio::task::yield_now().await;
        match done.last {
            Some(key) => start = after(&key),
            None => return Ok(()),
        }
    }
}

/// What a batch read.
struct Batch {
    rows: u64,
    /// `None` at the end of the table.
    last: Option<Bytes>,
}

/// Adds the entries of one batch to the transaction.
async fn batch(
    transaction: &mut Transaction,
    table: &TableInfo,
    indexes: &[IndexInfo],
    range: KeyRange,
    limit: usize,
) -> Result<Batch> {
    let options = ScanOptions { limit: Some(limit), ..ScanOptions::default() };
    let mut scanner = transaction.snapshot().scan(range, options);
    let mut rows: Vec<(Bytes, Bytes)> = Vec::with_capacity(limit);
    while rows.len() < limit {
        match scanner.next().await? {
            Some(row) => rows.push(row),
            None => break,
        }
    }
    let full = rows.len() == limit;
    let last = rows.last().map(|(key, _)| key.clone()).filter(|_| full);
    let read = rows.len() as u64;
    for (key, stored) in rows {
        let (_, suffix) = record_key::split_record_key(&key)?;
        let handle = Handle::from_record_suffix(suffix, table.is_common_handle())?;
        let row = decode_row(table, &handle, &stored)?;
        for index in indexes {
            write_entry(transaction, table, index, &row, &handle).await?;
        }
    }
    Ok(Batch { rows: read, last })
}

async fn write_entry(
    transaction: &mut Transaction,
    table: &TableInfo,
    index: &IndexInfo,
    row: &[Value],
    handle: &Handle,
) -> Result<()> {
    if index.primary && index.columns.iter().any(|part| row.get(part.offset).is_none_or(Value::is_null)) {
        return Err(MySqlError::invalid_use_of_null().into());
    }
    let entry = index_entry::index_entry(table, index, row, handle)?;
    if entry.distinct
        && let Some(existing) = transaction.get(&entry.key).await?
    {
        let other = index_entry::handle_of_entry(table, index, &entry.key, &existing)?;
        if other == *handle {
            return Ok(());
        }
        return Err(Error::Sql(duplicate_entry(table, index, row, TimeZone::UTC)));
    }
    transaction.put(Bytes::from(entry.key), Bytes::from(entry.value));
    Ok(())
}

/// The least key above `key`.
fn after(key: &Bytes) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    Bytes::from(next)
}
