//! From the stored catalog to an `InfoSchema`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::MetaTransaction;
use crate::catalog::{DatabaseId, DatabaseInfo, DatabaseSchema, InfoSchema};
use crate::error::Result;

/// Farther behind than this, a node reads everything instead of following differences.
const DIFFS_MAX: i64 = 256;

/// Reads the whole catalog.
pub async fn load(meta: &MetaTransaction) -> Result<InfoSchema> {
    let version = meta.schema_version().await?;
    let mut databases = Vec::new();
    for info in meta.databases().await? {
        databases.push(load_database(meta, info).await?);
    }
    Ok(InfoSchema::new(version, databases))
}

/// Brings a snapshot up to the stored version by reading only the databases that changed.
pub async fn load_changes(meta: &MetaTransaction, current: &InfoSchema) -> Result<InfoSchema> {
    let version = meta.schema_version().await?;
    if version == current.version() {
        return Ok(current.clone());
    }
    let behind = version - current.version();
    if !(0..=DIFFS_MAX).contains(&behind) {
        return load(meta).await;
    }
    let mut changed: BTreeSet<DatabaseId> = BTreeSet::new();
    for step in current.version() + 1..=version {
        match meta.schema_diff(step).await? {
            Some(diff) => changed.extend(diff.databases),
            None => return load(meta).await,
        }
    }
    let mut changes = Vec::new();
    for id in changed {
        let before = current.databases().find(|schema| schema.info.id == id).map(Arc::clone);
        match meta.database(id).await? {
            Some(info) => changes.push((info.name.clone(), Some(load_database(meta, info).await?))),
            None => changes.extend(before.map(|schema| (schema.info.name.clone(), None))),
        }
    }
    Ok(current.with_changes(version, changes))
}

async fn load_database(meta: &MetaTransaction, info: DatabaseInfo) -> Result<DatabaseSchema> {
    let tables = meta.tables(info.id).await?;
    Ok(DatabaseSchema {
        info,
        tables: tables.into_iter().map(|table| (table.name.clone(), Arc::new(table))).collect(),
    })
}
