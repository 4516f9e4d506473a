//! DECIMAL: exact numbers of up to 65 digits, 30 of them after the point.
//!
//! A `Decimal` is a 256-bit integer and a scale, `digits * 10^-scale`; 256 bits hold 76 digits, so one
//! operation on two legal operands never overflows silently. `arithmetic.rs` holds + - * / % with MySQL's
//! scale rules, `rounding.rs` rounding half away from zero, `text.rs` parsing and printing, `order.rs`
//! comparison and hashing by value (1.0 equals 1.00), `number.rs` conversions from and to machine numbers.

mod arithmetic;
mod number;
mod order;
mod rounding;
mod text;
mod value;

pub use text::ParsedDecimal;
pub use value::{Decimal, MAX_PRECISION, MAX_SCALE};

#[cfg(test)]
mod tests;
