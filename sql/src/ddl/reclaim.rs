//! Removing the data of dropped tables and indexes, in the background, a region's whole range at a time.
//!
//! Nothing refers to these keys any more and ids are never reused, so it does not matter when or how often
//! this runs; the job is removed when the last range is gone. All versions go, so it starts only when no
//! transaction reads by an older schema any more.

use rutile_kv_client::TransactionOptions;

use super::job::{Garbage, Job, Work};
use crate::cluster::{self, Membership};
use crate::codec::record_key;
use crate::error::Result;
use crate::meta::MetaTransaction;
use crate::session::Instance;

/// Runs the job in the background, once nobody uses the dropped tables as they were before `version`: a
/// transaction that still writes to one would leave keys behind.
pub(super) fn start(instance: &Instance, job: Job, version: i64) {
    let worker = instance.clone();
    if let Some(membership) = instance.membership()
        && !membership.begin_reclaim(job.id)
    {
        return;
    }
    instance.spawn(
        "sql-ddl-reclaim",
        Box::pin(async move {
            if let Err(error) = wait_and_run(&worker, &job, version).await {
                tracing::warn!(job = job.id, %error, "data of dropped objects is left for later");
            }
            if let Some(membership) = worker.membership() {
                membership.end_reclaim(job.id);
            }
        }),
    );
}

async fn wait_and_run(instance: &Instance, job: &Job, version: i64) -> Result<()> {
    if let Work::Reclaim(garbage) = &job.work {
        for item in garbage {
            let (Garbage::Table(table) | Garbage::Index(table, _)) = item;
            cluster::wait_for_older(instance, *table, version).await?;
        }
    }
    run(instance, job).await
}

/// Begins the jobs that no process of this node works on, left behind or not: two do no harm.
pub(crate) async fn finish_reclaims(instance: &Instance, membership: &Membership) -> Result<()> {
    let meta = MetaTransaction::new(instance.client().begin(TransactionOptions::default()).await?);
    let version = meta.schema_version().await?;
    for job in meta.jobs().await? {
        if matches!(job.work, Work::Reclaim(_)) && !membership.reclaims(job.id) {
            start(instance, job, version);
        }
    }
    Ok(())
}

/// Deletes everything the job names, then the job.
pub(super) async fn run(instance: &Instance, job: &Job) -> Result<()> {
    if let Work::Reclaim(garbage) = &job.work {
        for item in garbage {
            let range = match item {
                Garbage::Table(table) => {
                    instance.auto_ids().forget(*table);
                    record_key::table_range(*table)
                }
                Garbage::Index(table, index) => record_key::index_range(*table, *index),
            };
            instance.client().delete_range(range).await?;
        }
    }
    let mut meta = MetaTransaction::new(instance.client().begin(TransactionOptions::default()).await?);
    meta.remove_job(job.id);
    meta.commit().await?;
    Ok(())
}
