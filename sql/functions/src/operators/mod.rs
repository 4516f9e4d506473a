//! Operators: arithmetic, bits, comparison, logic, LIKE and REGEXP. Their names are their SQL spellings.

mod arithmetic;
mod arithmetic_infer;
mod bits;
pub(crate) mod comparison;
pub(crate) mod like;
mod logic;
pub(crate) mod members;
mod membership;
mod regexp;
pub(crate) mod regexp_compile;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] = &[
    arithmetic::FUNCTIONS,
    bits::FUNCTIONS,
    comparison::FUNCTIONS,
    logic::FUNCTIONS,
    membership::FUNCTIONS,
    like::FUNCTIONS,
    regexp::FUNCTIONS,
];
