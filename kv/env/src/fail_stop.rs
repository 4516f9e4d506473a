//! The end of the process when going on would risk data.

use std::cell::Cell;
use std::fmt;

thread_local! {
    static SIMULATIONS: Cell<usize> = const { Cell::new(0) };
}

/// While it lives, this thread runs a simulated world, in which the end of a process is a panic that a test can tell
/// with its seed.
pub(crate) struct Simulating(());

impl Simulating {
    pub(crate) fn enter() -> Simulating {
        SIMULATIONS.set(SIMULATIONS.get() + 1);
        Simulating(())
    }
}

impl Drop for Simulating {
    fn drop(&mut self) {
        SIMULATIONS.set(SIMULATIONS.get() - 1);
    }
}

/// Logs and aborts, after a failed sync or a broken invariant below Raft apply.
///
/// A failed fsync is never retried: Linux marks the dirty pages clean, so that the next call succeeds although the
/// bytes are lost (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Abort instead of
/// exit, so that no destructor writes or acknowledges anything.
pub fn fail_stop(what: &str, error: &dyn fmt::Display) -> ! {
    if SIMULATIONS.get() > 0 {
        panic!("a simulated process stopped: {what}: {error}");
    }
    tracing::error!(what, %error, "stopping the process to protect data");
    eprintln!("rutile: {what}: {error}; stopping to protect data");
    std::process::abort()
}
