//! What replicas must have in common once they are at rest.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_engine::MemoryEngine;
use rutile_kv_env::Env;
use rutile_kv_types::{Cf, format};

use crate::world::World;

const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Followers hear of the last commits by heartbeat, so a few should do.
const LOOKS_MAX: usize = 400;

type Pair = (Cf, Bytes, Bytes);

/// All replicated pairs of a state engine.
fn content(engine: &MemoryEngine) -> Vec<Pair> {
    engine.dump().into_iter().filter(|(cf, ..)| *cf != Cf::Raft).collect()
}

/// Waits until all stores hold the same.
pub async fn wait_until_equal(world: &World, env: &Env) {
    for _ in 0..LOOKS_MAX {
        if difference(world).is_none() {
            return;
        }
        env.clock.sleep(LOOK_AGAIN).await;
    }
    if let Some((one, other, cf, key)) = difference(world) {
        panic!("stores {one} and {other} differ in {cf} at {}", format::encoded_key(&key));
    }
}

/// Two stores, and the first pair that only one of them has.
fn difference(world: &World) -> Option<(u64, u64, Cf, Bytes)> {
    let nodes = world.nodes.all();
    let (first, others) = nodes.split_first()?;
    let expected = content(&first.engine());
    others.iter().find_map(|node| {
        let found = content(&node.engine());
        let only =
            |pairs: &[Pair], others: &[Pair]| pairs.iter().find(|pair| !others.contains(pair)).cloned();
        let (cf, key, _) = only(&expected, &found).or_else(|| only(&found, &expected))?;
        Some((first.store_id, node.store_id, cf, key))
    })
}
