//! A clock that moves only when told, and its timers.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use crate::{BoxFuture, Clock, Monotonic};

/// Wall clock at the origin: 2024-01-01 00:00:00 UTC, so that printed timestamps look like timestamps.
const UNIX_MICROS_AT_ORIGIN: i64 = 1_704_067_200_000_000;

#[derive(Clone, Default)]
pub struct SimulatedClock {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: Monotonic,
    /// How far the wall clock is off; jumps both ways.
    wall_offset_micros: i64,
    /// Those that have not fired, keyed by deadline, then by order of creation, so that equal deadlines fire in a known
    /// order.
    timers: BTreeMap<(Monotonic, u64), Option<Waker>>,
    next_timer: u64,
}

impl State {
    fn new_timer(&mut self, duration: Duration) -> (Monotonic, u64) {
        self.next_timer += 1;
        (self.now + duration, self.next_timer)
    }
}

impl SimulatedClock {
    /// Moves both clocks forward and wakes what is due.
    pub fn advance(&self, by: Duration) {
        let target = self.now() + by;
        self.advance_to(target);
    }

    pub(super) fn advance_to(&self, target: Monotonic) {
        let mut due = Vec::new();
        {
            let mut state = self.state.lock();
            state.now = state.now.max(target);
            let now = state.now;
            while let Some(first) = state.timers.first_entry().filter(|first| first.key().0 <= now) {
                due.extend(first.remove());
            }
        }
        for waker in due {
            waker.wake();
        }
    }

    /// Wakes once `duration` has passed.
    pub(super) fn wake_after(&self, duration: Duration, waker: Waker) {
        let mut state = self.state.lock();
        let key = state.new_timer(duration);
        state.timers.insert(key, Some(waker));
    }

    /// Moves the wall clock alone, as an operator or NTP would.
    pub fn jump_wall(&self, micros: i64) {
        self.state.lock().wall_offset_micros += micros;
    }

    /// The earliest deadline anybody still waits for.
    pub(super) fn next_deadline(&self) -> Option<Monotonic> {
        let state = self.state.lock();
        state.timers.iter().find(|(_, waker)| waker.is_some()).map(|((deadline, _), _)| *deadline)
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Monotonic {
        self.state.lock().now
    }

    fn unix_micros(&self) -> u64 {
        let state = self.state.lock();
        let since_origin = i64::try_from(state.now.since_origin().as_micros()).unwrap_or(i64::MAX);
        let micros =
            UNIX_MICROS_AT_ORIGIN.saturating_add(since_origin).saturating_add(state.wall_offset_micros);
        u64::try_from(micros).unwrap_or(0)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state.lock();
        let key = state.new_timer(duration);
        state.timers.insert(key, None);
        Box::pin(Sleep { key, state: self.state.clone() })
    }
}

struct Sleep {
    key: (Monotonic, u64),
    state: Arc<Mutex<State>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        state.timers.insert(self.key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.state.lock().timers.remove(&self.key);
    }
}
