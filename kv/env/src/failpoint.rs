//! Failpoints: named places in the code where a test can observe, fail or stop it.
//!
//! A site costs one relaxed atomic load while no failpoint is armed, so sites stay in release builds. Names read like
//! paths: `txn::commit::before_write_primary`. Arming is global to the process; tests that arm the same name must use
//! one guard after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

static ARMED: AtomicUsize = AtomicUsize::new(0);
static SITES: RwLock<BTreeMap<String, Arc<Armed>>> = RwLock::new(BTreeMap::new());

/// What an armed site does with each visit; `Some` makes a site with a handler return early.
type Action = Box<dyn Fn() -> Option<String> + Send + Sync>;

struct Armed {
    action: Action,
    hits: AtomicUsize,
}

/// Disarms its failpoint when dropped.
#[must_use = "the failpoint is disarmed when the guard is dropped"]
pub struct Guard {
    name: String,
    armed: Arc<Armed>,
}

impl Guard {
    /// How often the site was visited since it was armed.
    pub fn hits(&self) -> usize {
        self.armed.hits.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        SITES.write().remove(&self.name);
        ARMED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Arms a failpoint with code of the test: it may block on a channel, panic, or answer a text for the site's handler.
///
/// # Panics
/// When the name is armed already: two tests would disturb each other.
pub fn arm(name: &str, action: impl Fn() -> Option<String> + Send + Sync + 'static) -> Guard {
    let armed = Arc::new(Armed { action: Box::new(action), hits: AtomicUsize::new(0) });
    let former = SITES.write().insert(name.to_owned(), armed.clone());
    assert!(former.is_none(), "failpoint {name} is armed already");
    ARMED.fetch_add(1, Ordering::SeqCst);
    Guard { name: name.to_owned(), armed }
}

/// Arms a failpoint that makes its site return early with `text`.
pub fn arm_return(name: &str, text: &str) -> Guard {
    let text = text.to_owned();
    arm(name, move || Some(text.clone()))
}

/// Arms a failpoint that only counts visits.
pub fn arm_count(name: &str) -> Guard {
    arm(name, || None)
}

/// Called by [`crate::failpoint!`]; whether any failpoint is armed at all.
#[doc(hidden)]
#[inline]
pub fn any_armed() -> bool {
    ARMED.load(Ordering::Relaxed) != 0
}

/// Called by [`crate::failpoint!`]; runs the action of `name`.
#[doc(hidden)]
#[cold]
pub fn visit(name: &str) -> Option<String> {
    // The lock is not held while the action runs, because it may block until the test goes on.
    let armed = SITES.read().get(name).cloned()?;
    armed.hits.fetch_add(1, Ordering::SeqCst);
    (armed.action)()
}

/// A place where a test can stop or fail the code.
///
/// `failpoint!("txn::commit::before_write_primary")` only visits; with a second argument, a closure from the text that
/// the test gave, the enclosing function returns what the closure answers.
#[macro_export]
macro_rules! failpoint {
    ($name:expr) => {
        if $crate::failpoint::any_armed() {
            let _ = $crate::failpoint::visit($name);
        }
    };
    ($name:expr, $handler:expr) => {
        if $crate::failpoint::any_armed()
            && let Some(text) = $crate::failpoint::visit($name)
        {
            return ($handler)(text);
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Result<u32, String> {
        crate::failpoint!("env::failpoint::visited");
        crate::failpoint!("env::failpoint::returns", |text: String| Err(text));
        Ok(1)
    }

    #[test]
    fn an_armed_site_returns_and_a_dropped_guard_disarms_it() {
        assert_eq!(site(), Ok(1));
        let counting = arm_count("env::failpoint::visited");
        let returning = arm_return("env::failpoint::returns", "broken");
        assert_eq!(site(), Err("broken".to_owned()));
        drop(returning);
        assert_eq!(site(), Ok(1));
        assert_eq!(counting.hits(), 2);
    }
}
