//! Timestamps that somebody in this process reads at, so that garbage collection leaves what they see.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_types::TimeStamp;

/// How many read at each timestamp.
#[derive(Default)]
pub(crate) struct Running {
    readers: Mutex<BTreeMap<TimeStamp, usize>>,
    beginning: Mutex<Beginning>,
}

/// Who asks for a timestamp just now, by one that theirs will be above.
#[derive(Default)]
struct Beginning {
    newest: TimeStamp,
    by_bound: BTreeMap<TimeStamp, usize>,
}

impl Running {
    /// Counts somebody who is about to get a timestamp and will read at it: the safe point may not pass it on its way
    /// here.
    pub(crate) fn begin(self: &Arc<Running>) -> BeginningGuard {
        let mut beginning = self.beginning.lock();
        let bound = beginning.newest;
        *beginning.by_bound.entry(bound).or_default() += 1;
        BeginningGuard { running: Arc::clone(self), bound }
    }

    /// Counts a reader until the guard is dropped. A reader of the latest holds nothing.
    pub(crate) fn enter(self: &Arc<Running>, ts: TimeStamp) -> RunningGuard {
        if !ts.is_max() {
            *self.readers.lock().entry(ts).or_default() += 1;
        }
        RunningGuard { running: Arc::clone(self), ts }
    }

    /// The oldest timestamp at or after `from` that somebody reads at, or a bound of those that somebody is getting.
    pub(crate) fn oldest(&self, from: TimeStamp) -> Option<TimeStamp> {
        // In this order: who has begun meanwhile is found among the readers.
        let beginning = self.beginning.lock().by_bound.keys().next().copied();
        let reader = self.readers.lock().range(from..).next().map(|(ts, _)| *ts);
        beginning.into_iter().chain(reader).min()
    }
}

/// Somebody who asks for a timestamp.
pub(crate) struct BeginningGuard {
    running: Arc<Running>,
    bound: TimeStamp,
}

impl BeginningGuard {
    /// The timestamp is here, and its reader counted.
    pub(crate) fn end(self, ts: TimeStamp) {
        let mut beginning = self.running.beginning.lock();
        beginning.newest = beginning.newest.max(ts);
    }
}

impl Drop for BeginningGuard {
    fn drop(&mut self) {
        release(&mut self.running.beginning.lock().by_bound, self.bound);
    }
}

fn release(counts: &mut BTreeMap<TimeStamp, usize>, ts: TimeStamp) {
    if let Some(count) = counts.get_mut(&ts) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&ts);
        }
    }
}

/// A reader.
pub(crate) struct RunningGuard {
    running: Arc<Running>,
    ts: TimeStamp,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        release(&mut self.running.readers.lock(), self.ts);
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

    #[test]
    fn a_timestamp_on_its_way_holds_what_is_above_the_newest_known() {
        let running = Arc::new(Running::default());
        let ts = TimeStamp::new;
        let first = running.begin();
        assert_eq!(running.oldest(ts(1)), Some(ts(0)), "nothing is known yet");
        first.end(ts(5));
        assert_eq!(running.oldest(ts(1)), None);
        let second = running.begin();
        assert_eq!(running.oldest(ts(9)), Some(ts(5)));
        drop(second);
        assert_eq!(running.oldest(ts(1)), None, "given up");
    }
}
