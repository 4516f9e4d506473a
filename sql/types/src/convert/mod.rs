//! Conversions between types: `cast` in expressions, `store` into columns.
//!
//! `number.rs`, `temporal.rs`, `bytes.rs`, `json.rs` read a value as one class of type and report what was lost;
//! `cast.rs` is CAST; `store.rs` is assignment to a column under sql_mode, `store_number.rs`,
//! `store_text.rs` and `store_temporal.rs` its parts; `context.rs` carries mode, zone and warnings.

mod bytes;
mod cast;
mod context;
mod json;
mod number;
mod store;
mod store_number;
mod store_temporal;
mod store_text;
mod temporal;

pub use bytes::to_bytes;
pub use cast::cast;
pub use context::ConvertContext;
pub use json::{json_to_value, to_json};
pub use number::{to_bool, to_decimal, to_double, to_int, to_int_rounded, to_unsigned};
pub use store::store;
pub use temporal::{to_datetime, to_duration};
