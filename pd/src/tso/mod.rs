//! The timestamp oracle: unique, increasing timestamps that follow the wall clock.
//!
//! A timestamp is `physical_ms << 18 | logical`, one `u64` in an atomic. Granting raises it to the wall clock or by
//! one, whichever is more, on the caller's thread; a full logical part carries into the next millisecond by itself.
//! What is granted stays below a window end that is on disk: after a crash granting goes on at the saved end, so no
//! timestamp repeats. The window is extended ahead of time while timestamps are asked for; after a pause the first
//! caller waits for one sync.
//!
//! A wall clock that jumps back does not stop the physical part ([`steady`]).
//!
//! [`oracle`] is the pure part, [`window`] the shell that saves.

mod oracle;
mod steady;
mod window;

pub(crate) use window::Tso;

#[cfg(test)]
mod tests;
