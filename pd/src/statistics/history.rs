//! What was hot, minute by minute, as long as there is room.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;

use super::flow::Access;
use super::hot::HotPeer;

/// Samples that are kept.
const SAMPLES_MAX: usize = 8_192;
const EVERY: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Unix milliseconds.
    pub(crate) at_ms: u64,
    pub(crate) access: Access,
    pub(crate) peer: HotPeer,
}

#[derive(Default)]
pub(crate) struct History {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Monotonic>,
    samples: VecDeque<Sample>,
}

impl History {
    /// Notes what is hot now, once a minute.
    pub(crate) fn note(&self, now: Monotonic, now_ms: u64, hot: impl FnOnce() -> Vec<(Access, HotPeer)>) {
        let mut state = self.state.lock();
        if state.last.is_some_and(|last| now.saturating_since(last) < EVERY) {
            return;
        }
        state.last = Some(now);
        for (access, peer) in hot() {
            if state.samples.len() == SAMPLES_MAX {
                state.samples.pop_front();
            }
            state.samples.push_back(Sample { at_ms: now_ms, access, peer });
        }
    }

    /// Newest first.
    pub(crate) fn all(&self) -> Vec<Sample> {
        self.state.lock().samples.iter().rev().cloned().collect()
    }
}
