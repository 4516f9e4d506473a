//! What replicas must have in common once they are at rest.

use bytes::Bytes;
use rutile_kv_engine::MemoryEngine;
use rutile_kv_types::Cf;

/// All replicated pairs of a state engine.
pub fn content(engine: &MemoryEngine) -> Vec<(Cf, Bytes, Bytes)> {
    engine.dump().into_iter().filter(|(cf, ..)| *cf != Cf::Raft).collect()
}
