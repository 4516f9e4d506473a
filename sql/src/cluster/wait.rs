//! A schema change waits for the other nodes.

use std::time::Duration;

use super::membership::Membership;
use super::record::NodeRecord;
use crate::catalog::TableId;
use crate::error::Result;
use crate::session::Instance;

/// How often the list is looked at.
const LOOK: Duration = Duration::from_millis(30);

/// Waits until nothing on any node uses `table` as it was before `version`, and nothing will.
pub(crate) async fn wait_for_older(instance: &Instance, table: TableId, version: i64) -> Result<()> {
    instance.metadata_locks().wait_for_older(table, version).await;
    match instance.membership() {
        Some(membership) => until(membership, |node| node.is_clear(table, version)).await,
        None => Ok(()),
    }
}

/// Waits until new statements of all nodes use the catalog of `version`, so that none is ever two steps behind.
pub(crate) async fn wait_for_version(instance: &Instance, version: i64) -> Result<()> {
    match instance.membership() {
        Some(membership) => until(membership, |node| node.schema_version >= version).await,
        None => Ok(()),
    }
}

/// Waits until all other nodes are as wanted, or off the list.
pub(super) async fn until(membership: &Membership, wanted: impl Fn(&NodeRecord) -> bool) -> Result<()> {
    let own = membership.uuid();
    loop {
        let (nodes, now_ms) = membership.nodes().await?;
        let mut all = true;
        for node in nodes.iter().filter(|node| node.uuid != own && !wanted(node)) {
            let gone = node.is_expired(now_ms) && membership.expel(node).await?;
            all &= gone;
        }
        if all {
            return Ok(());
        }
        membership.env().clock.sleep(LOOK).await;
    }
}
