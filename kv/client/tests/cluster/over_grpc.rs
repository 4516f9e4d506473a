//! The tests of `main.rs` once more, on the network carrier.

#[path = "main.rs"]
mod cluster;
