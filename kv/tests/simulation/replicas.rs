//! What replicas must have in common once they are at rest.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_engine::MemoryEngine;
use rutile_kv_env::Env;
use rutile_kv_types::{Cf, Region, format};
use rutile_pd_client::PdClient;

use crate::world::{StoreNode, World};

const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Followers hear of the last commits by heartbeat, so a few should do.
const LOOKS_MAX: usize = 400;

type Pair = (Cf, Bytes, Bytes);

/// All replicated pairs of a state engine in a range.
fn content(engine: &MemoryEngine, region: &Region) -> Vec<Pair> {
    let all = engine.dump().into_iter();
    all.filter(|(cf, key, _)| *cf != Cf::Raft && region.contains(key)).collect()
}

/// Waits until all members of each region hold the same, and all other stores nothing of it.
pub async fn wait_until_equal(world: &World, env: &Env, pd: &PdClient) {
    let mut found = Some("PD does not answer".to_owned());
    for _ in 0..LOOKS_MAX {
        if let Ok(regions) = pd.scan_regions(b"", b"", 0).await {
            found = regions.iter().find_map(|known| difference(world, &known.region));
        }
        if found.is_none() {
            return;
        }
        env.clock.sleep(LOOK_AGAIN).await;
    }
    panic!("{}", found.unwrap_or_default());
}

/// Two members that differ, with the first pair that only one of them has, or a store with data that is no member.
fn difference(world: &World, region: &Region) -> Option<String> {
    let (members, others): (Vec<_>, Vec<_>) =
        world.nodes.all().into_iter().partition(|node| region.peer_on_store(node.store_id).is_some());
    let left = |node: &Arc<StoreNode>| {
        let (cf, key, _) = content(&node.engine(), region).into_iter().next()?;
        let key = format::encoded_key(&key).to_string();
        Some(format!("store {} holds nothing of region {}, but {cf} has {key}", node.store_id, region.id))
    };
    if let Some(left) = others.iter().find_map(left) {
        return Some(left);
    }
    let (first, others) = members.split_first()?;
    let expected = content(&first.engine(), region);
    others.iter().find_map(|node| {
        let found = content(&node.engine(), region);
        // Both are in order, so the smaller of the first two that differ is missing in the other.
        let common = expected.iter().zip(&found).take_while(|(one, other)| one == other).count();
        let (cf, key, _) = [expected.get(common), found.get(common)].into_iter().flatten().min()?;
        let (one, other, key) = (first.store_id, node.store_id, format::encoded_key(key).to_string());
        Some(format!("stores {one} and {other} differ in {cf} at {key}, in region {}", region.id))
    })
}
