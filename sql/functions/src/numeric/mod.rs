//! The numeric functions.
//!
//! `magnitude.rs` ABS SIGN; `rounding.rs` ROUND TRUNCATE; `whole.rs` FLOOR CEILING; `power.rs` POW SQRT EXP and
//! logarithms; `trigonometry.rs` SIN COS ... PI; `random.rs` RAND; `overflow.rs` error 1690 of functions.
//! MOD is an operator.

mod magnitude;
mod overflow;
mod power;
mod random;
mod rounding;
mod trigonometry;
mod whole;

use crate::call::Function;

pub(crate) use overflow::{call_text, literal};
pub(crate) use rounding::round_double;

pub(crate) const FAMILIES: &[&[Function]] = &[
    magnitude::FUNCTIONS,
    rounding::FUNCTIONS,
    whole::FUNCTIONS,
    power::FUNCTIONS,
    trigonometry::FUNCTIONS,
    random::FUNCTIONS,
];
