//! Arrow fast paths of operators. Each answers `None` for argument types it has no fast path for; the driver then
//! evaluates row by row with the same scalar kernel.
//!
//! `comparison.rs` = <> < <= > >= BETWEEN IN; `arithmetic.rs` + - * /; `logic.rs` AND OR NOT, IS NULL, IF;
//! `lane.rs` how they read arguments; `pattern.rs` LIKE with a constant pattern.

mod arithmetic;
mod comparison;
mod lane;
mod logic;
mod pattern;

pub(crate) use arithmetic::{minus, multiply, plus};
pub(crate) use comparison::{
    between, equal, greater, greater_or_equal, is_in, less, less_or_equal, not_equal,
};
pub(crate) use logic::{and, choose, is_not_null, is_null, not, or};
pub(crate) use pattern::like;
