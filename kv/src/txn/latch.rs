//! Latches: in-process FIFO order between commands that touch the same keys.
//!
//! A command hashes its keys to slots, takes the slots in ascending order (so that two commands
//! can never wait for each other in a circle) and keeps them from before its snapshot until its
//! write is applied: between the two nobody else may decide on the same keys. The guard is an owned
//! value, so that it can travel with the proposal and be released by the apply thread even when
//! the caller went away meanwhile; a latch released earlier would let the next command read a
//! snapshot that misses an accepted write.
//!
//! Deliberately missing: queue priorities and deadlock detection (ordered slots make it needless).
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::oneshot;

/// Number of slots; collisions only cost concurrency, never correctness.
pub const LATCH_SLOTS: usize = 1 << 13;

/// Identifies one acquisition; zero means "nobody".
type Ticket = u64;

#[derive(Default)]
struct Slot {
    /// Holder, or 0. Invariant: `holder == 0` implies `waiting` is empty.
    holder: Ticket,
    waiting: VecDeque<(Ticket, oneshot::Sender<()>)>,
}

/// The latch table of a store.
pub struct Latches {
    slots: Box<[Mutex<Slot>]>,
    next_ticket: AtomicU64,
}

impl Default for Latches {
    fn default() -> Self {
        Latches::new(LATCH_SLOTS)
    }
}

impl Latches {
    /// A table of `slots` slots, at least one.
    pub fn new(slots: usize) -> Self {
        let slots = (0..slots.max(1)).map(|_| Mutex::new(Slot::default())).collect();
        Latches { slots, next_ticket: AtomicU64::new(1) }
    }

    fn slot_of(&self, key: &[u8]) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the remainder is no larger than the hash, which is one"
        )]
        let slot = (crc32fast::hash(key) as usize % self.slots.len()) as u32;
        slot
    }

    /// Waits until this caller is the first in line for all `keys`.
    ///
    /// Cancellation-safe: dropping the future leaves every queue as if it had never called.
    pub async fn acquire<'k>(self: &Arc<Self>, keys: impl Iterator<Item = &'k [u8]>) -> LatchGuard {
        let mut slots: SmallVec<[u32; 8]> = keys.map(|key| self.slot_of(key)).collect();
        slots.sort_unstable();
        slots.dedup();
        let ticket = self.next_ticket.fetch_add(1, Ordering::Relaxed);
        let mut guard = LatchGuard { latches: self.clone(), ticket, slots, entered: 0 };
        while guard.entered < guard.slots.len() {
            if let Some(turn) = guard.enter_next() {
                // An error means the table dropped the sender, which it never does unsent.
                let _ = turn.await;
            }
        }
        guard
    }
}

/// Holds the slots of one command; dropping it lets the next in line go on.
pub struct LatchGuard {
    latches: Arc<Latches>,
    ticket: Ticket,
    slots: SmallVec<[u32; 8]>,
    /// How many of `slots` this ticket holds or stands in line for.
    entered: usize,
}

impl LatchGuard {
    /// Enters the queue of the next slot: `None` when held at once.
    fn enter_next(&mut self) -> Option<oneshot::Receiver<()>> {
        let mut slot = self.latches.slots[self.slots[self.entered] as usize].lock();
        self.entered += 1;
        if slot.holder == 0 {
            debug_assert!(slot.waiting.is_empty(), "a free slot has no queue");
            slot.holder = self.ticket;
            return None;
        }
        let (wake, turn) = oneshot::channel();
        slot.waiting.push_back((self.ticket, wake));
        Some(turn)
    }
}

impl Drop for LatchGuard {
    fn drop(&mut self) {
        for index in &self.slots[..self.entered] {
            let mut slot = self.latches.slots[*index as usize].lock();
            if slot.holder != self.ticket {
                slot.waiting.retain(|(ticket, _)| *ticket != self.ticket);
                continue;
            }
            match slot.waiting.pop_front() {
                Some((ticket, wake)) => {
                    slot.holder = ticket;
                    // A receiver that is gone drops its guard, which passes the slot on.
                    let _ = wake.send(());
                }
                None => slot.holder = 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Pending = Pin<Box<dyn Future<Output = LatchGuard>>>;

    fn acquire(latches: &Arc<Latches>, keys: &'static [&'static str]) -> Pending {
        let latches = latches.clone();
        Box::pin(async move { latches.acquire(keys.iter().map(|key| key.as_bytes())).await })
    }

    fn poll(pending: &mut Pending) -> Option<LatchGuard> {
        match pending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }

    #[test]
    fn same_key_is_first_come_first_served() {
        let latches = Arc::new(Latches::default());
        let first = poll(&mut acquire(&latches, &["a", "b"])).expect("free");
        let mut second = acquire(&latches, &["b"]);
        let mut third = acquire(&latches, &["b"]);
        assert!(poll(&mut second).is_none());
        assert!(poll(&mut third).is_none());
        drop(first);
        assert!(poll(&mut third).is_none(), "third stands behind second");
        let second = poll(&mut second).expect("its turn");
        drop(second);
        assert!(poll(&mut third).is_some());
    }

    #[test]
    fn disjoint_keys_do_not_wait() {
        let latches = Arc::new(Latches::default());
        let _a = poll(&mut acquire(&latches, &["a"])).expect("free");
        assert!(poll(&mut acquire(&latches, &["b"])).is_some());
    }

    #[test]
    fn colliding_keys_of_one_command_do_not_block_it() {
        let latches = Arc::new(Latches::new(1));
        assert!(poll(&mut acquire(&latches, &["a", "b", "c"])).is_some());
    }

    #[test]
    fn cancelled_waiter_leaves_the_queue() {
        let latches = Arc::new(Latches::new(1));
        let first = poll(&mut acquire(&latches, &["a"])).expect("free");
        let mut second = acquire(&latches, &["a"]);
        assert!(poll(&mut second).is_none());
        let mut third = acquire(&latches, &["a"]);
        assert!(poll(&mut third).is_none());
        drop(second);
        drop(first);
        assert!(poll(&mut third).is_some());
    }

    #[test]
    fn waiter_cancelled_after_being_woken_passes_the_turn_on() {
        let latches = Arc::new(Latches::new(1));
        let first = poll(&mut acquire(&latches, &["a"])).expect("free");
        let mut second = acquire(&latches, &["a"]);
        let mut third = acquire(&latches, &["a"]);
        assert!(poll(&mut second).is_none());
        assert!(poll(&mut third).is_none());
        drop(first);
        drop(second);
        assert!(poll(&mut third).is_some());
    }
}
