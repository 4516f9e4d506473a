//! The loop of a node among others.
//!
//! Every tick it reads four small keys: the schema version, whether there is a letter, whether a variable was set, and
//! whether tables were locked.
//! Then it looks whether what the list says of it is still true. Renewing, holding back garbage collection and looking
//! for jobs that were left behind come less often.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_env::Monotonic;

use super::membership::{Membership, Renewed};
use super::{mail, table_locks, turn, variables};
use crate::ddl;
use crate::error::Result;
use crate::meta::keys;
use crate::session::{Cancellation, Instance};

/// How often garbage collection is held back anew, and how long a hold lasts without that.
const HOLD_INTERVAL: Duration = Duration::from_secs(10);
const HOLD_TTL: Duration = Duration::from_secs(120);

/// What was seen last.
#[derive(Default)]
struct Seen {
    bell: Option<Bytes>,
    variables: Option<Bytes>,
    /// The version of the table locks.
    table_locks: Option<Bytes>,
    renewed: Option<Monotonic>,
    held_gc: Option<Monotonic>,
}

/// Starts the loop; it ends with the instance.
pub(crate) async fn start(instance: &Instance, membership: &Arc<Membership>) -> Result<()> {
    // Before the first transaction of a session: nobody may remove what it reads.
    membership.client().hold_gc_safe_point(&membership.gc_service(), HOLD_TTL).await?;
    variables::load(instance, membership).await?;
    // After joining: who locked a table before did not wait for this node.
    table_locks::load(instance, membership).await?;
    let weak = instance.downgrade();
    let (clock, tick) = (instance.env().clock.clone(), membership.config.tick);
    let membership = Arc::clone(membership);
    instance.spawn(
        "sql-cluster",
        Box::pin(async move {
            let mut seen = Seen::default();
            loop {
                clock.sleep(tick).await;
                let Some(instance) = weak.upgrade() else {
                    return;
                };
                if instance.is_closing() {
                    return;
                }
                if let Err(error) = step(&instance, &membership, &mut seen).await {
                    tracing::warn!(%error, "this SQL node cannot follow the others");
                }
            }
        }),
    );
    Ok(())
}

async fn step(instance: &Instance, membership: &Arc<Membership>, seen: &mut Seen) -> Result<()> {
    let client = membership.client();
    let now = client.timestamp().await?;
    let (version_key, bell_key, variables_key) =
        (keys::schema_version(), keys::bell(membership.id()), keys::variables_version());
    let locks_key = keys::table_locks_version();
    let wanted = [version_key.clone(), bell_key.clone(), variables_key.clone(), locks_key.clone()];
    let found = client.snapshot(now).batch_get(&wanted).await?;
    let stored = found.get(&version_key).and_then(|text| std::str::from_utf8(text).ok()?.parse::<i64>().ok());
    if stored.unwrap_or(0) != instance.infoschema().version() {
        instance.schema_cache().reload().await?;
    }
    let (bell, variables) = (found.get(&bell_key).cloned(), found.get(&variables_key).cloned());
    if bell.is_some() && bell != seen.bell {
        mail::read_letters(instance, membership).await?;
        seen.bell = bell;
    }
    if variables != seen.variables {
        variables::load(instance, membership).await?;
        seen.variables = variables;
    }
    let locks = found.get(&locks_key).cloned();
    // The lease is kept whatever becomes of this: the record says only what is known.
    if let Err(error) = follow_table_locks(instance, membership, locks, seen).await {
        tracing::warn!(%error, "this SQL node cannot follow LOCK TABLES of the others");
    }
    keep_record(instance, membership, seen).await?;
    turn::give_back(instance, membership).await
}

/// Takes over which tables others hold, and tells them what this node holds, where that has changed. The nodes that hold
/// some may be gone.
async fn follow_table_locks(
    instance: &Instance,
    membership: &Arc<Membership>,
    version: Option<Bytes>,
    seen: &mut Seen,
) -> Result<()> {
    let changed = version != seen.table_locks;
    if changed || (!instance.table_locks().elsewhere().is_empty() && is_due(instance, membership, seen)) {
        table_locks::load(instance, membership).await?;
        seen.table_locks = version;
    }
    table_locks::publish(instance, membership).await.map(drop)
}

/// Whether the lease is to be renewed.
fn is_due(instance: &Instance, membership: &Membership, seen: &Seen) -> bool {
    let now = instance.env().clock.now();
    seen.renewed.is_none_or(|last| now.saturating_since(last) >= membership.config.renew)
}

/// Keeps the lease, and what the list says of this node.
async fn keep_record(instance: &Instance, membership: &Arc<Membership>, seen: &mut Seen) -> Result<()> {
    let clock = &instance.env().clock;
    let due = |last: Option<Monotonic>, interval: Duration| {
        last.is_none_or(|last| clock.now().saturating_since(last) >= interval)
    };
    // In this order: whoever starts now uses this catalog or a newer one, and is not among those that hold an older.
    let schema = instance.infoschema();
    let held = instance.metadata_locks().held(&schema);
    let locks = table_locks::seen(instance, membership);
    let renew = is_due(instance, membership, seen);
    if !renew && membership.is_told(schema.version(), &held, &locks) {
        return Ok(());
    }
    let began = clock.now();
    if membership.renew(schema.version(), held, locks).await? == Renewed::Lost {
        come_again(instance, membership).await?;
    }
    seen.renewed = Some(began);
    if due(seen.held_gc, HOLD_INTERVAL) {
        membership.client().hold_gc_safe_point(&membership.gc_service(), HOLD_TTL).await?;
        seen.held_gc = Some(began);
    }
    if renew {
        finish_orphans(instance, membership).await?;
    }
    Ok(())
}

/// The others went on without this node: what its sessions have begun rests on a catalog that nobody waits for.
async fn come_again(instance: &Instance, membership: &Membership) -> Result<()> {
    let ended = instance.processes().kill_all();
    tracing::error!(connections = ended, "this SQL node was away for too long; its connections are ended");
    let schema = instance.schema_cache().reload().await?;
    membership.join_again(schema.version()).await
}

/// Finishes, in the background, the jobs of an owner that is gone.
async fn finish_orphans(instance: &Instance, membership: &Arc<Membership>) -> Result<()> {
    if turn::has_orphans(instance, membership).await? && !membership.finishing.swap(true, Ordering::AcqRel) {
        let (worker, membership) = (instance.clone(), Arc::clone(membership));
        instance.spawn(
            "sql-ddl-finish",
            Box::pin(async move {
                // Taking the turn finishes them.
                if let Err(error) = worker.ddl_turn(&Cancellation::never()).await.map(drop) {
                    tracing::warn!(%error, "schema changes of a node that is gone are not finished yet");
                }
                membership.finishing.store(false, Ordering::Release);
            }),
        );
    }
    if membership.is_first().await? {
        ddl::finish_reclaims(instance, membership).await?;
    }
    Ok(())
}
