//! The built-in functions and operators, one kernel each, driven row by row or over Arrow arrays.
//!
//! ```text
//!   call/        Function, CallInfo (a bound call), contexts, argument access, type inference, collation of results
//!   operators/   + - * / = < AND LIKE REGEXP IN ...      control/   IF CASE COALESCE ...
//!   numeric/ string/ date/ json/ crypto/ info/           one file per group of functions
//!   aggregate/   COUNT SUM ... as accumulators
//!   vector/      Arrow fast paths; registry.rs the list; eval_arrow the driver
//! ```
//! A function never fails for data: it warns and returns NULL, as MySQL does, except for the errors MySQL
//! itself raises (1690, 3141, 1582 ...). Missing on purpose: spatial, XML and GTID functions.

pub mod aggregate;
pub mod call;
mod control;
mod crypto;
mod date;
#[doc(hidden)]
pub mod fuzz;
mod info;
mod json;
mod numeric;
mod operators;
mod registry;
mod string;
mod vector;

pub use aggregate::{Accumulator, Aggregate, AggregateInfo, lookup as lookup_aggregate};
pub use call::{
    ArgInfo, Arity, CallInfo, Coercibility, ColumnarArg, EvalContext, Function, GrowingColumn, InferContext,
    MemoryCheck, SessionConstants, eval_arrow,
};
pub use operators::members::Members;
pub use registry::{all, lookup, lookup_pure};
