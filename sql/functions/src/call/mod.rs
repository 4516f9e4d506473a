//! What a function is, what a bound call of it is, and how it is run.
//!
//! `function.rs` the descriptor; `context.rs` the contexts; `bound.rs` a call with its types; `argument.rs`
//! reading arguments; `infer.rs` result types; `collate.rs` result collations; `arrow_driver.rs` arrays.

pub mod argument;
mod arrow_driver;
mod bound;
mod collate;
mod context;
mod function;
pub mod infer;

pub use arrow_driver::{ColumnarArg, GrowingColumn, eval_arrow};
pub use bound::CallInfo;
pub use collate::{Coercibility, aggregate_collation, concat_collation};
pub use context::{EvalContext, InferContext, MemoryCheck, SessionConstants};
pub use function::{ArgInfo, Arity, Function};
