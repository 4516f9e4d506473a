//! Who runs schema changes: one node at a time, the owner.
//!
//! A node that has one to run becomes the owner if nobody is, or if the owner is off the list. It stays the owner while
//! it runs, and gives that back once it has nothing to run. The first thing a new owner does is to finish the jobs that
//! were left behind: nobody else can be working on them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rutile_kv_client::TransactionOptions;
use rutile_sql_types::MySqlError;

use super::membership::{Membership, get, lost_a_race, put};
use super::record::NodeRecord;
use crate::ddl;
use crate::error::Result;
use crate::meta::keys;
use crate::session::{Cancellation, Instance};

/// How often a waiting node looks whether the owner is done.
const LOOK: Duration = Duration::from_millis(30);

/// Becomes the owner; the caller holds this node's own turn. Waits for the owner as long as a statement waits for locks.
pub(crate) async fn take_turn(instance: &Instance, cancellation: &Cancellation) -> Result<()> {
    let Some(membership) = instance.membership() else {
        return Ok(());
    };
    let timeout = instance.env().clock.sleep(Duration::from_secs(cancellation.lock_wait_timeout_s()));
    tokio::select! {
        owned = own(membership) => owned?,
        () = timeout => return Err(MySqlError::lock_wait_timeout().into()),
        () = cancellation.cancelled() => return Err(MySqlError::query_interrupted().into()),
    }
    membership.owns_ddl.store(true, Ordering::Release);
    // Not to be given up half-way: the jobs of a dead owner stand before every other change.
    ddl::finish_alters(instance).await
}

/// Fails if this node is no longer the owner: it was off the list meanwhile. To be asked after the beginning of each
/// transaction of a schema change: one that began before that cannot commit, by its lease.
pub(crate) fn check_turn(instance: &Instance) -> Result<()> {
    match instance.membership() {
        Some(membership) if !membership.owns_ddl.load(Ordering::Acquire) => {
            Err(MySqlError::schema_lease_expired().into())
        }
        _ => Ok(()),
    }
}

async fn own(membership: &Membership) -> Result<()> {
    let uuid = membership.uuid();
    loop {
        // Limited by the lease, like all that the owner writes: a new owner comes only after its end.
        let mut transaction = membership.client().begin(TransactionOptions::default()).await?;
        let owner: Option<String> = get(&transaction, &keys::ddl_owner()).await?;
        if owner.as_ref() == Some(&uuid) {
            return Ok(());
        }
        if let Some(owner) = owner
            && let Some(node) = node_of(membership, &owner).await?
        {
            let now_ms = transaction.start_ts().physical();
            if !node.is_expired(now_ms) || !membership.expel(&node).await? {
                membership.env().clock.sleep(LOOK).await;
            }
            continue;
        }
        put(&mut transaction, keys::ddl_owner(), &uuid)?;
        match transaction.commit().await {
            Ok(_) => {
                tracing::info!(node = membership.id(), "owner of schema changes");
                return Ok(());
            }
            Err(error) if lost_a_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn node_of(membership: &Membership, uuid: &str) -> Result<Option<NodeRecord>> {
    let (nodes, _) = membership.nodes().await?;
    Ok(nodes.into_iter().find(|node| node.uuid == uuid))
}

/// Gives the ownership back if this node has nothing to run.
pub(super) async fn give_back(instance: &Instance, membership: &Membership) -> Result<()> {
    if !membership.owns_ddl.load(Ordering::Acquire) {
        return Ok(());
    }
    let Some(_idle) = instance.local_ddl_turn() else {
        return Ok(());
    };
    let mut transaction = membership.client().begin(TransactionOptions::default()).await?;
    let owner: Option<String> = get(&transaction, &keys::ddl_owner()).await?;
    if owner.as_ref() == Some(&membership.uuid()) {
        transaction.delete(keys::ddl_owner());
        transaction.commit().await?;
    }
    membership.owns_ddl.store(false, Ordering::Release);
    Ok(())
}

/// Whether jobs are left of an owner that is gone.
pub(super) async fn has_orphans(instance: &Instance, membership: &Membership) -> Result<bool> {
    if !ddl::has_alters(instance).await? {
        return Ok(false);
    }
    let transaction = membership.client().begin(TransactionOptions::default()).await?;
    let owner: Option<String> = get(&transaction, &keys::ddl_owner()).await?;
    let Some(owner) = owner else {
        return Ok(true);
    };
    if owner == membership.uuid() {
        return Ok(instance.local_ddl_turn().is_some());
    }
    let now_ms = transaction.start_ts().physical();
    Ok(node_of(membership, &owner).await?.is_none_or(|node| node.is_expired(now_ms)))
}
