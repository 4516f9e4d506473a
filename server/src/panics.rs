//! Panics: a line in the log and a count.
//!
//! A panic in a session is a defect that ends its connection, nothing else: the connection's task unwinds and gives back
//! what it holds. In the threads that keep data it ends the process (`fail_stop` of `kv/env`). Either way an operator
//! sees where it was, among the other lines of the log and on `/metrics`.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// From here on every panic of the process is told in the log.
pub(crate) fn tell_in_log() {
    std::panic::set_hook(Box::new(tell));
}

/// Panics since the start.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn tell(panic: &PanicHookInfo<'_>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let thread = std::thread::current();
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        thread = thread.name().unwrap_or_default(),
        place = place.unwrap_or_default(),
        what = panic.payload_as_str().unwrap_or_default(),
        "panic"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_counted() {
        let usual = std::panic::take_hook();
        tell_in_log();
        let before = count();
        std::panic::catch_unwind(|| panic!("expected by the test")).expect_err("unwinds");
        let counted = count();
        std::panic::set_hook(usual);
        assert!(counted > before, "{counted}");
    }
}
