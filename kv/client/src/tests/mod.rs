//! The client against stores that answer by script, in simulated time.
//!
//! [`scripted`] is the store: a queue of expected calls with their answers. A call that was not expected fails the
//! test, as does an expectation that was not met.

mod commit;
mod lock;
mod read;
mod scripted;
