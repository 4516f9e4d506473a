//! MySQL errors and warnings: number, SQLSTATE and text exactly as a MySQL client expects them.
//!
//! `table.rs` holds one line per error (number, SQLSTATE, constructor, text); everything else in the SQL
//! layer builds errors only through those constructors, so that a text exists once. What is not here:
//! localisation (MySQL's `lc_messages`), which no client of ours relies on.

mod table;
mod value;
mod variants;

pub use value::{ErrorClass, Level, MySqlError, Warning, Warnings};
