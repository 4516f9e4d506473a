//! Rows: values written straight into the output buffer, as text (COM_QUERY) or binary (COM_STMT_EXECUTE).
//!
//! The caller offers each value by what it is, an integer, a double, a date; the row (`writer.rs`) writes it as the
//! column's declared type wants it, by `text.rs` or `binary.rs`. Nothing is allocated per value.

mod binary;
pub mod number;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use writer::Row;

/// Encoding of a result set's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    Text,
    Binary,
}
