//! Bound, typed expressions: building them, folding them, running them.
//!
//! ```text
//! binder --build.rs--> Expr (expr.rs) --evaluate.rs--> Value, one row at a time
//!                                     --vector.rs----> Arrow column, a batch at a time (both sides of the wire)
//!                                     --datafusion.rs-> a DataFusion expression, and back (pushed.rs)
//! ```
//!
//! `fold.rs` constants, `key.rs` what makes native equality MySQL's (`row_key.rs`: many keys as one), `aggregate.rs` and `window.rs` their calls,
//! `evaluation.rs` what all evaluation of one statement shares, `print.rs` text for EXPLAIN,
//! `temporal.rs` temporal constants.

mod aggregate;
pub mod build;
pub mod datafusion;
mod evaluate;
mod evaluation;
mod expr;
mod fold;
pub mod key;
pub mod print;
pub mod pushed;
pub mod row_key;
pub mod temporal;
pub mod vector;
mod window;

pub use aggregate::{AggregateCall, AggregateKind};
pub use evaluate::{compare_values, evaluate, evaluate_with, is_true};
pub use evaluation::{Evaluation, Interruption, Uninterrupted};
pub use expr::{Call, Expr, conjuncts};
pub use window::{Frame, FrameEdge, WindowCall, WindowFunction};
