//! The current catalog snapshot of this node.

use std::sync::Arc;

use parking_lot::RwLock;
use rutile_kv_client::{Client, Error as StoreError, TransactionOptions};

use crate::catalog::InfoSchema;
use crate::error::{Error, Result};
use crate::meta::{self, MetaTransaction};

/// Holds the newest InfoSchema this node has read.
pub struct SchemaCache {
    client: Client,
    current: RwLock<Arc<InfoSchema>>,
    /// Two reloads at once would both read everything.
    reloading: tokio::sync::Mutex<()>,
}

impl SchemaCache {
    /// Reads the catalog; an empty store gets its format stamp.
    pub async fn open(client: Client) -> Result<Self> {
        loop {
            let mut stamp = MetaTransaction::new(client.begin(TransactionOptions::default()).await?);
            stamp.check_format().await?;
            match stamp.commit().await {
                Ok(_) => break,
                // Another SQL node stamps it at the same time.
                Err(Error::Store(StoreError::WriteConflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let reader = MetaTransaction::new(client.begin(TransactionOptions::default()).await?);
        let schema = meta::load(&reader).await?;
        Ok(Self { client, current: RwLock::new(Arc::new(schema)), reloading: tokio::sync::Mutex::new(()) })
    }

    pub fn current(&self) -> Arc<InfoSchema> {
        Arc::clone(&self.current.read())
    }

    /// Follows the stored schema version; answers the snapshot in force.
    pub async fn reload(&self) -> Result<Arc<InfoSchema>> {
        let _one = self.reloading.lock().await;
        let before = self.current();
        let reader = MetaTransaction::new(self.client.begin(TransactionOptions::default()).await?);
        let loaded = meta::load_changes(&reader, &before).await?;
        if loaded.version() == before.version() {
            return Ok(before);
        }
        let loaded = Arc::new(loaded);
        *self.current.write() = Arc::clone(&loaded);
        tracing::debug!(schema_version = loaded.version(), "catalog reloaded");
        Ok(loaded)
    }
}
