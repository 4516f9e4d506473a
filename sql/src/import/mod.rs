//! Bulk data in: LOAD DATA LOCAL INFILE.
//!
//! `load_data.rs` binds the statement; the client's file then flows through `fields.rs` (bytes to fields, as FIELDS and
//! LINES describe them) and `rows.rs` (fields to values, SET) into `loader.rs`, which writes rows a batch at a time into
//! the session's transaction. `session/load.rs` opens and ends that transaction.
//! Missing, answered by 1235: files on the server, IMPORT INTO.

mod fields;
mod load_data;
mod loader;
mod rows;
#[cfg(test)]
mod tests;

pub use load_data::load_data;
pub use loader::Loader;
