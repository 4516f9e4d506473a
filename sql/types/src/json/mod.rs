//! JSON values: MySQL's types, object key order, text form and comparison.
//!
//! `value.rs` the value, `parse.rs` text in, `print.rs` text out, `order.rs` comparison, `path.rs` path
//! expressions, `binary.rs` the stored form.

mod binary;
mod order;
mod parse;
mod path;
mod print;
mod value;

pub use parse::JsonSyntaxError;
pub use path::{JsonPath, PathLeg};
pub use value::{Json, JsonKey, JsonObject};

#[cfg(test)]
mod tests;
