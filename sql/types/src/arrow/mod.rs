//! Values in Arrow arrays.
//!
//! | MySQL | Arrow |
//! |---|---|
//! | integers | Int64 / UInt64 |
//! | DECIMAL | Decimal128 up to 38 digits, else Decimal256 |
//! | FLOAT, DOUBLE | Float32, Float64 |
//! | DATE, DATETIME, TIMESTAMP | Int64 (packed) |
//! | TIME | Int64 (microseconds) |
//! | YEAR, BIT, ENUM, SET | UInt64 |
//! | text | Utf8; binary: Binary |
//! | JSON | Binary (stored form) |

mod builder;
mod data_type;
mod reader;

pub use builder::ValueBuilder;
pub use reader::value_at;

#[cfg(test)]
mod tests;
