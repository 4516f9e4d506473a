//! Engines to run a test on.

use rutile_kv_engine::{Engine, EngineConfig, MemoryEngine, RocksEngine, WriteBatch};
use rutile_kv_types::Cf;

/// Runs one test body on the memory engine and on RocksDB.
pub fn on_both(body: fn(&dyn Engine)) {
    body(&MemoryEngine::new());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = RocksEngine::open(&directory.path().join("state"), &EngineConfig::small()).expect("open");
    body(&engine);
}

pub fn put(engine: &dyn Engine, cf: Cf, key: &[u8], value: &[u8]) {
    let mut batch = WriteBatch::new();
    batch.put(cf, key, value);
    engine.write(batch, false).expect("write");
}
