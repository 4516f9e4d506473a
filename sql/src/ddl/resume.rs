//! Finishing the DDL jobs a previous life of this node left behind.

use rutile_kv_client::TransactionOptions;

use super::job::{Job, Work};
use super::{alter_job, reclaim};
use crate::error::Result;
use crate::meta::MetaTransaction;
use crate::session::Instance;

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
                let _turn = instance.ddl_turn().lock().await;
                // A job that fails now is undone by itself; the next ones must still run.
                if let Err(error) = alter_job::run(instance, job).await {
                    tracing::warn!(%error, "a resumed ALTER TABLE was undone");
                }
            }
        }
    }
    Ok(())
}
