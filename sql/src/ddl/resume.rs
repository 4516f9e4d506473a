//! Finishing the DDL jobs a previous life of this node left behind.

use rutile_kv_client::TransactionOptions;

use super::job::Work;
use super::{alter_job, reclaim};
use crate::error::Result;
use crate::meta::MetaTransaction;
use crate::session::Instance;

/// Runs every stored job to its end; called once, before or while sessions work.
pub async fn resume_jobs(instance: &Instance) -> Result<()> {
    let meta = MetaTransaction::new(instance.client().begin(TransactionOptions::default()).await?);
    let jobs = meta.jobs().await?;
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
