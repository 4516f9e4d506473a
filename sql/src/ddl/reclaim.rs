//! Deleting the data of dropped tables and indexes, in the background and in small transactions.
//!
//! Nothing refers to these keys any more and ids are never reused, so it does not matter when or how often
//! this runs; the job is removed when the last key is gone. Until then snapshots older than the drop still
//! read the data through MVCC.

use bytes::Bytes;
use rutile_kv_client::{ScanOptions, TransactionOptions};
use rutile_kv_types::KeyRange;

use super::job::{Garbage, Job};
use crate::codec::record_key;
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::Instance;

/// Keys one transaction deletes.
const KEYS_PER_TRANSACTION: usize = 1024;
/// Conflicts one job survives; only another node doing the same work can conflict.
const CONFLICTS_MAX: usize = 16;

/// Runs the job in the background, once nobody uses the dropped tables as they were before `version`: a
/// transaction that still writes to one would leave keys behind.
pub(super) fn start(instance: &Instance, job: Job, version: i64) {
    let worker = instance.clone();
    instance.spawn(
        "sql-ddl-reclaim",
        Box::pin(async move {
            if let super::job::Work::Reclaim(garbage) = &job.work {
                for item in garbage {
                    let (Garbage::Table(table) | Garbage::Index(table, _)) = item;
                    worker.metadata_locks().wait_for_older(*table, version).await;
                }
            }
            if let Err(error) = run(&worker, &job).await {
                tracing::warn!(job = job.id, %error, "data of dropped objects is left for the next start");
            }
        }),
    );
}

/// Deletes everything the job names, then the job.
pub(super) async fn run(instance: &Instance, job: &Job) -> Result<()> {
    if let super::job::Work::Reclaim(garbage) = &job.work {
        for item in garbage {
            let range = match item {
                Garbage::Table(table) => {
                    instance.auto_ids().forget(*table);
                    record_key::table_range(*table)
                }
                Garbage::Index(table, index) => record_key::index_range(*table, *index),
            };
            delete_range(instance, range).await?;
        }
    }
    let mut meta = MetaTransaction::new(instance.client().begin(TransactionOptions::default()).await?);
    meta.remove_job(job.id);
    meta.commit().await?;
    Ok(())
}

async fn delete_range(instance: &Instance, range: KeyRange) -> Result<()> {
    let mut start = range.start;
    let mut conflicts = 0;
    while !instance.is_closing() {
        let mut transaction = instance.client().begin(TransactionOptions::default()).await?;
        let rest = KeyRange { start: start.clone(), end: range.end.clone() };
        let options =
            ScanOptions { limit: Some(KEYS_PER_TRANSACTION), key_only: true, ..ScanOptions::default() };
        let mut scanner = transaction.snapshot().scan(rest, options);
        let mut keys: Vec<Bytes> = Vec::new();
        while keys.len() < KEYS_PER_TRANSACTION {
            match scanner.next().await? {
                Some((key, _)) => keys.push(key),
                None => break,
            }
        }
        let Some(last) = keys.last().cloned() else {
            return Ok(());
        };
        for key in keys {
            transaction.delete(key);
        }
        match transaction.commit().await {
            Ok(_) => start = after(&last),
            Err(rutile_kv_client::Error::WriteConflict { .. }) if conflicts < CONFLICTS_MAX => conflicts += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("shutting down"))
}

/// The least key above `key`.
fn after(key: &Bytes) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    Bytes::from(next)
}
