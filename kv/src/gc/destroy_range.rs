//! Removing a range from one store, past raft: for data of which no version will ever be read again.
//!
//! Neither latches nor locks nor regions count, and replicas keep their copy until they are asked as well. What is
//! being written to the range at the same moment may come out either way.
use rutile_kv_engine::{Engine, WriteBatch};
use rutile_kv_types::Cf;

use crate::error::Result;

/// Removes `[start, end)` of encoded keys. On return it is durable, and with it all that was applied before: a
/// restart, which applies again what was not durable, must not bring the range back.
pub fn destroy_range(engine: &dyn Engine, start: &[u8], end: &[u8]) -> Result<()> {
    let mut batch = WriteBatch::new();
    for cf in Cf::DATA {
        batch.delete_range(cf, start, end);
    }
    engine.write(batch, true)?;
    for cf in Cf::DATA {
        // The range is empty already; this gives back the files that hold nothing else.
        engine.destroy_range(cf, start, end)?;
    }
    Ok(())
}
