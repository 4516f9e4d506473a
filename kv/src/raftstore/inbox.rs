//! The queue in front of a thread: many senders, one reader that takes everything at once.
//!
//! The reader swaps its empty vector for the full one, so that a busy queue costs one lock per round and no
//! allocation. The queue itself has no limit: what goes in is bounded by its senders, see [`super::propose`] for
//! proposals (bytes in flight) and [`super::apply`] for rounds. After [`Inbox::close`] messages are dropped, and with
//! them their callbacks, so that nobody waits for a thread that is gone.
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Messages for one reader.
pub struct Inbox<T> {
    queue: Mutex<Queue<T>>,
    arrived: Condvar,
    taken: Condvar,
}

struct Queue<T> {
    messages: Vec<T>,
    closed: bool,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        let queue = Queue { messages: Vec::new(), closed: false };
        Inbox { queue: Mutex::new(queue), arrived: Condvar::new(), taken: Condvar::new() }
    }
}

impl<T> Inbox<T> {
    /// Adds a message and wakes the reader if it sleeps; drops it when the inbox is closed.
    pub fn push(&self, message: T) {
        let mut queue = self.queue.lock();
        if queue.closed {
            // Not under the lock: a callback may do anything when it is dropped.
            drop(queue);
            return drop(message);
        }
        queue.messages.push(message);
        let first = queue.messages.len() == 1;
        drop(queue);
        // Only the first message after a swap can find the reader asleep.
        if first {
            self.arrived.notify_one();
        }
    }

    /// Moves all messages to `into`, waiting up to `timeout` for the first one. `into` must be empty.
    pub fn take(&self, into: &mut Vec<T>, timeout: Duration) {
        debug_assert!(into.is_empty(), "handled messages are gone");
        let mut queue = self.queue.lock();
        if queue.messages.is_empty() && !timeout.is_zero() {
            self.arrived.wait_for(&mut queue, timeout);
        }
        std::mem::swap(&mut queue.messages, into);
        drop(queue);
        self.taken.notify_all();
    }

    /// Waits until fewer than `limit` messages are queued. The reader must not wait for the caller.
    pub fn wait_below(&self, limit: usize) {
        let mut queue = self.queue.lock();
        while queue.messages.len() >= limit && !queue.closed {
            self.taken.wait(&mut queue);
        }
    }

    /// Drops what is queued and whatever comes later.
    pub fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let dropped = std::mem::take(&mut queue.messages);
        drop(queue);
        self.taken.notify_all();
        drop(dropped);
    }
}
