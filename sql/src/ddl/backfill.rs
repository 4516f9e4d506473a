//! Index entries and stored generated columns of the rows that exist, written in batches while sessions go on writing.
//!
//! A batch is one transaction: it reads rows at its snapshot and writes their entries. A session that
//! changes an indexed value of such a row meanwhile writes the same old entry key (as a delete), so one of the
//! two transactions meets a write conflict; the batch then starts again on the newer rows. Rows inserted
//! meanwhile have their entries already: the index has been write-only since before the snapshot. A column is added by
//! writing the row again, which meets the same conflicts.
//!
//! With its entries a batch writes how far the job has come, so that after a crash it goes on there.

use bytes::Bytes;
use rutile_kv_client::{Error as StoreError, ScanOptions, Transaction, TransactionOptions};
use rutile_kv_env::failpoint;
use rutile_kv_types::KeyRange;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, SqlMode, TimeZone, Value};

use super::job::{Alter, Job, Work};
use crate::catalog::{ColumnInfo, IndexInfo, TableInfo};
use crate::cluster::check_turn;
use crate::codec::row::RowEncoder;
use crate::codec::{Handle, index_entry, record_key};
use crate::error::{Error, Result};
use crate::executor::write_row::encode_row;
use crate::generation::decode_row;
use crate::meta::keys;
use crate::session::{Cancellation, Instance};
use crate::txn::duplicate_entry;

/// Rows of one batch while nobody interferes. A conflict halves it: under writers that touch every row often, only
/// small batches get through.
const ROWS_PER_BATCH_MAX: usize = 256;
/// Conflicts in a row before the statement gives up.
const CONFLICTS_MAX: usize = 100;

/// What the rows that exist are to get.
pub(super) struct Entering<'t> {
    pub table: &'t TableInfo,
    pub indexes: Vec<&'t IndexInfo>,
    /// Stored generated columns.
    pub columns: Vec<&'t ColumnInfo>,
}

impl Entering<'_> {
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty() && self.columns.is_empty()
    }

    /// Offsets of the generated columns whose values are written for the first time, and so must fit.
    fn computed(&self) -> Vec<usize> {
        let parts = self.indexes.iter().flat_map(|index| &index.columns).map(|part| part.offset);
        let is_virtual = |offset: &usize| self.table.columns.get(*offset).is_some_and(ColumnInfo::is_virtual);
        let stored = self.columns.iter().map(|column| column.offset);
        parts.filter(is_virtual).chain(stored).collect()
    }
}

/// Writes what all rows that the job has not come to yet are to get; a duplicate is error 1062.
pub(super) async fn run(
    instance: &Instance,
    id: i64,
    alter: &mut Alter,
    entering: &Entering<'_>,
    cancellation: &Cancellation,
) -> Result<()> {
    let table = entering.table;
    let mut context = EvalContext { changes_data: true, ..EvalContext::default() };
    if let Some(bits) = alter.sql_mode {
        context.convert.sql_mode = SqlMode::from_bits(bits)?;
    }
    let range = record_key::record_range(table.id);
    let mut start = alter.progress.next.clone().map_or_else(|| range.start.clone(), Bytes::from);
    let mut conflicts = 0;
    let mut rows = ROWS_PER_BATCH_MAX;
    loop {
        if cancellation.is_cancelled() || instance.is_closing() {
            return Err(MySqlError::query_interrupted().into());
        }
        let mut transaction = instance.client().begin(TransactionOptions::default()).await?;
        check_turn(instance)?;
        let rest = KeyRange { start: start.clone(), end: range.end.clone() };
        // Messages count rows where the table is written again, as MySQL's do.
        context.convert.row = if entering.columns.is_empty() { 1 } else { alter.progress.rows };
        let done = batch(&mut transaction, entering, rest, rows, &mut context).await?;
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
    entering: &Entering<'_>,
    range: KeyRange,
    limit: usize,
    context: &mut EvalContext,
) -> Result<Batch> {
    let table = entering.table;
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
    let (computed, mut encoder) = (entering.computed(), RowEncoder::default());
    for (key, stored) in rows {
        let (_, suffix) = record_key::split_record_key(&key)?;
        let handle = Handle::from_record_suffix(suffix, table.is_common_handle())?;
        let mut row = decode_row(table, &handle, &stored, TimeZone::UTC)?;
        context.convert.row += u64::from(!entering.columns.is_empty());
        if let Some(generation) = table.generation()? {
            generation.complete_columns(table, &mut row, &computed, context)?;
        }
        if !entering.columns.is_empty() {
            transaction.put(key, encode_row(&mut encoder, table, &row)?);
        }
        for index in &entering.indexes {
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
