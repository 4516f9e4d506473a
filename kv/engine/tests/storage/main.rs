//! What the engines and the raft logs promise, in memory and on disk.

mod durability;
mod engine;
mod fail_stop;
mod model;
mod power_loss;
mod raft_log;
mod support;
