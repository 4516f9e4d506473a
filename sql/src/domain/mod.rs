//! What a SQL node keeps and does besides answering its sessions.
//!
//! ```text
//! schema_cache.rs   the current InfoSchema; reload when the stored version moved
//! metadata_lock.rs  which tables the running statements and transactions use, and since which version
//! table_lock.rs     LOCK TABLES
//! duties.rs         background tasks: schema reload, finishing DDL jobs of a previous life
//! ```
//!
//! What several SQL nodes over one storage do besides is `cluster`.

mod duties;
mod metadata_lock;
mod schema_cache;
mod table_lock;

pub use duties::start;
pub use metadata_lock::{MetadataLocks, SchemaUse};
pub use schema_cache::SchemaCache;
pub use table_lock::{LockedTables, TableLocks};
