//! One catalog change: decided on a snapshot, written as a transaction, published as the next version.

use std::sync::Arc;

use async_trait::async_trait;
use rutile_kv_client::TransactionOptions;

use crate::catalog::InfoSchema;
use crate::cluster;
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::Instance;

/// A change may lose to another node's this often before the statement gives up.
const ATTEMPTS_MAX: usize = 16;

/// What a DDL step does to the catalog. It may run more than once, so it must not keep state.
#[async_trait]
pub(super) trait Change: Sync {
    type Output: Send;

    /// `schema` is exactly what `meta` reads.
    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<Self::Output>;
}

/// What became of a change.
pub(super) struct Changed<T> {
    pub output: T,
    /// The schema version it was published with.
    pub version: i64,
}

/// Applies a change and makes this node see it, and all others. The caller holds the instance's DDL turn.
pub(super) async fn apply<C: Change>(instance: &Instance, change: &C) -> Result<Changed<C::Output>> {
    for _ in 0..ATTEMPTS_MAX {
        let schema: Arc<InfoSchema> = instance.schema_cache().reload().await?;
        let store = instance.client().begin(TransactionOptions::default()).await?;
        cluster::check_turn(instance)?;
        let mut meta = MetaTransaction::new(store);
        if meta.schema_version().await? != schema.version() {
            continue;
        }
        let output = change.apply(&schema, &mut meta).await?;
        match meta.commit().await {
            Ok(version) => {
                instance.schema_cache().reload().await?;
                cluster::wait_for_version(instance, version).await?;
                return Ok(Changed { output, version });
            }
            // Nothing was written: another change came first, or this one was slower than its locks live.
            Err(Error::Store(
                rutile_kv_client::Error::WriteConflict { .. } | rutile_kv_client::Error::RolledBack { .. },
            )) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::internal("the catalog changed too often under this statement"))
}
