//! What the test targets share: a `rutile` process that can be killed and started again on its data,
//! and a MySQL client for `.slt` scripts. The process is the one users run, so every test speaks the
//! real wire. Cases, workloads and checkers live in the targets beside this folder.

mod process;
mod script;

pub use process::{Server, ServerOptions};
pub use script::ScriptConnection;
