//! Machine numbers as text and text as machine numbers, by MySQL's rules.

mod format;
mod parse;

pub use format::{format_double, format_double_fixed, format_float};
pub use parse::{ParsedNumber, parse_double_prefix, parse_integer_prefix, parse_integer_rounded};
