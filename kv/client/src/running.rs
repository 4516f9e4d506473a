//! Timestamps that somebody in this process reads at, so that garbage collection leaves what they see.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_types::TimeStamp;

/// How many read at each timestamp.
#[derive(Default)]
pub(crate) struct Running {
    readers: Mutex<BTreeMap<TimeStamp, usize>>,
}

impl Running {
    /// Counts a reader until the guard is dropped. A reader of the latest holds nothing.
    pub(crate) fn enter(self: &Arc<Running>, ts: TimeStamp) -> RunningGuard {
        if !ts.is_max() {
            *self.readers.lock().entry(ts).or_default() += 1;
        }
        RunningGuard { running: Arc::clone(self), ts }
    }

    /// The oldest timestamp at or after `from` that somebody reads at.
    pub(crate) fn oldest(&self, from: TimeStamp) -> Option<TimeStamp> {
        self.readers.lock().range(from..).next().map(|(ts, _)| *ts)
    }
}

/// A reader.
pub(crate) struct RunningGuard {
    running: Arc<Running>,
    ts: TimeStamp,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        let mut readers = self.running.readers.lock();
        if let Some(count) = readers.get_mut(&self.ts) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.ts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_reader_counts_until_its_last_guard_is_gone() {
        let running = Arc::new(Running::default());
        let ts = TimeStamp::new;
        let latest = running.enter(TimeStamp::MAX);
        assert_eq!(running.oldest(ts(0)), None);
        let (old, again, new) = (running.enter(ts(5)), running.enter(ts(5)), running.enter(ts(9)));
        drop(old);
        assert_eq!(running.oldest(ts(0)), Some(ts(5)));
        assert_eq!(running.oldest(ts(6)), Some(ts(9)), "one that reads for too long is left behind");
        drop(again);
        assert_eq!(running.oldest(ts(0)), Some(ts(9)));
        drop((new, latest));
        assert_eq!(running.oldest(ts(0)), None);
    }
}
