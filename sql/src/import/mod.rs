//! Bulk data in: LOAD DATA LOCAL INFILE.
//!
//! `load_data.rs` binds the statement; the client's file then flows through `fields.rs` (bytes to fields, as
//! FIELDS and LINES describe them) into `rows.rs` (fields to rows), inside one transaction that commits when
//! the file is complete. Missing, answered by 1235: files on the server, LOAD DATA inside an open
//! transaction, the SET clause, IMPORT INTO.

mod fields;
mod load_data;
mod rows;
#[cfg(test)]
mod tests;

pub use load_data::load_data;
