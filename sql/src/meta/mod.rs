//! The catalog as key-value pairs, under keys that start with `m`.
//!
//! ```text
//! keys.rs     every key of the catalog, in the published `m` layout (hashes and strings)
//! catalog.rs  databases and tables in one transaction: create, read, change, remove
//! version.rs  the schema version and what changed with each
//! auto_id     AUTO_INCREMENT values and hidden row ids, handed out from ranges that own transactions reserve
//! ```
//!
//! Values are JSON: the catalog is small, read whole at start, and an operator can read it.

pub mod auto_id;
mod catalog;
pub mod keys;
mod loader;
mod version;

pub use catalog::MetaTransaction;
pub use loader::{load, load_changes};
pub use version::SchemaDiff;
