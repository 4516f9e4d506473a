//! The loop of a node among others.
//!
//! Every tick it reads three small keys: the schema version, whether there is a letter, and whether a variable was set.
//! Then it looks whether what the list says of it is still true. Renewing, holding back garbage collection and looking
//! for jobs that were left behind come less often.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_env::Monotonic;

use super::membership::{Membership, Renewed};
use super::{mail, turn, variables};
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
    renewed: Option<Monotonic>,
    held_gc: Option<Monotonic>,
}

/// Starts the loop; it ends with the instance.
pub(crate) async fn start(instance: &Instance, membership: &Arc<Membership>) -> Result<()> {
    // Before the first transaction of a session: nobody may remove what it reads.
    membership.client().hold_gc_safe_point(&membership.gc_service(), HOLD_TTL).await?;
    variables::load(instance, membership).await?;
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
    let wanted = [version_key.clone(), bell_key.clone(), variables_key.clone()];
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
    keep_record(instance, membership, seen).await?;
    turn::give_back(instance, membership).await
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
    let renew = due(seen.renewed, membership.config.renew);
    if !renew && membership.is_told(schema.version(), &held) {
        return Ok(());
    }
    let began = clock.now();
    if membership.renew(schema.version(), held).await? == Renewed::Lost {
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
