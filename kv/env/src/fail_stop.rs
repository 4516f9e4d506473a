//! The end of the process when going on would risk data.

use std::fmt;

/// Logs and aborts, after a failed sync or a broken invariant below Raft apply.
///
/// A failed fsync is never retried: Linux marks the dirty pages clean, so that the next call succeeds although the
/// bytes are lost (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Abort instead of
/// exit, so that no destructor writes or acknowledges anything.
pub fn fail_stop(what: &str, error: &dyn fmt::Display) -> ! {
    tracing::error!(what, %error, "stopping the process to protect data");
    eprintln!("rutile: {what}: {error}; stopping to protect data");
    std::process::abort()
}
