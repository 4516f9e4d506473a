//! Background tasks of a SQL node.

use std::time::Duration;

use crate::error::Result;
use crate::session::Instance;

/// How often the stored schema version is looked at where this process has the storage to itself.
const RELOAD_INTERVAL: Duration = Duration::from_millis(500);

/// Starts the tasks of an opened instance, which has no session yet; they end when it shuts down.
pub async fn start(instance: &Instance) -> Result<()> {
    if let Some(membership) = instance.membership() {
        return crate::cluster::start(instance, membership).await;
    }
    let left_behind = crate::ddl::unfinished_jobs(instance).await?;
    let weak = instance.downgrade();
    let clock = instance.env().clock.clone();
    instance.spawn(
        "sql-schema-reload",
        Box::pin(async move {
            loop {
                clock.sleep(RELOAD_INTERVAL).await;
                let Some(instance) = weak.upgrade() else {
                    return;
                };
                if instance.is_closing() {
                    return;
                }
                if let Err(error) = instance.schema_cache().reload().await {
                    tracing::warn!(%error, "catalog reload failed");
                }
            }
        }),
    );
    let resumed = instance.clone();
    instance.spawn(
        "sql-ddl-resume",
        Box::pin(async move {
            if let Err(error) = crate::ddl::resume_jobs(&resumed, left_behind).await {
                tracing::error!(%error, "unfinished DDL jobs could not be resumed");
            }
        }),
    );
    Ok(())
}
