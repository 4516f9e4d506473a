//! Waiting for locks of other transactions.
//!
//! ```text
//!                       look: locked by H                 H's lock goes with its write set
//! acquire_pessimistic_lock ──→ enter ──→ look again ──→ turn … ←── released ←── apply
//!                                                        │  ↑
//!                                     deadlock, timeout ←┘  └── 20 ms later: everybody else in the queue
//! ```
//! One queue for each key that somebody waits for, oldest transaction first. A released lock wakes the first in
//! line at once and the others a little later, each to look for itself: whoever finds the key locked again keeps its
//! place. The delay gives the first one time to lock the key, also when it had to go back to its client for a newer
//! `for_update_ts`, so that a release does not send everybody to the same key.
//!
//! A waiter enters its queue before the look that makes it wait, and a release tells the queue before it gives up the
//! latch of the key. So no release falls between look and wait.
//!
//! - [`wait_queue`]: the queues, without clock and tasks
//! - [`deadlock_detector`]: who waits for whom; the wait that would close a circle is refused
//! - [`waker`]: waiting futures, the delay, what a write set releases, and what others are told of edges
//!
//! Circles through several stores are found by one of them, which all tell of their edges: `service::deadlock`.
//!
//! Deliberately missing: waiters resumed inside the
//! store with a lock newer than they asked for (TiKV's ForceLock mode).
mod deadlock_detector;
mod wait_queue;
mod waker;

pub use deadlock_detector::{DeadlockDetector, EdgeChange, WaitFor};
pub use waker::{LockChanges, LockManager, Ticket, Wait};

#[cfg(test)]
mod tests;
