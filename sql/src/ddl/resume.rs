//! Finishing the DDL jobs that a previous life of this node left behind, or an owner that is gone.

use rutile_kv_client::TransactionOptions;

use super::job::{Job, Work};
use super::{alter_job, reclaim};
use crate::error::Result;
use crate::meta::MetaTransaction;
use crate::session::{Cancellation, Instance};

/// The jobs that were left behind. Asked for before there is a session: the jobs of live ones must not be run twice.
pub async fn unfinished_jobs(instance: &Instance) -> Result<Vec<Job>> {
    let meta = MetaTransaction::new(instance.client().begin(TransactionOptions::default()).await?);
    meta.jobs().await
}

/// Runs the jobs to their end, while sessions work.
pub async fn resume_jobs(instance: &Instance, jobs: Vec<Job>) -> Result<()> {
    for job in jobs {
        tracing::info!(job = job.id, "resuming a DDL job");
        match &job.work {
            Work::Reclaim(_) => reclaim::run(instance, &job).await?,
            Work::Alter(_) => {
                let _turn = instance.ddl_turn(&Cancellation::never()).await?;
                resume_alter(instance, job).await;
            }
        }
    }
    Ok(())
}

/// Whether there is an unfinished ALTER TABLE, under way or left behind.
pub(crate) async fn has_alters(instance: &Instance) -> Result<bool> {
    let jobs = unfinished_jobs(instance).await?;
    Ok(jobs.iter().any(|job| matches!(job.work, Work::Alter(_))))
}

/// Finishes every ALTER TABLE there is. The caller is the owner of schema changes and runs none itself, so they were left
/// behind.
pub(crate) async fn finish_alters(instance: &Instance) -> Result<()> {
    for job in unfinished_jobs(instance).await? {
        if matches!(job.work, Work::Alter(_)) {
            tracing::info!(job = job.id, "finishing a DDL job that was left behind");
            resume_alter(instance, job).await;
        }
    }
    Ok(())
}

/// A job that fails now is undone by itself; the next ones must still run.
async fn resume_alter(instance: &Instance, job: Job) {
    if let Err(error) = alter_job::run(instance, job).await {
        tracing::warn!(%error, "a resumed ALTER TABLE was undone");
    }
}
