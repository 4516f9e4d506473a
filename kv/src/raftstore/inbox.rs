//! The queue in front of a loop: many senders, one reader that takes everything at once.
//!
//! The reader swaps its empty vector for the full one, so that a busy queue costs one lock per round and no
//! allocation. The reader is a thread that sleeps on a condition variable, or a task with a waker; see
//! [`super::driver`]. What goes in is bounded by its senders: see [`super::propose`] for proposals (bytes in flight),
//! [`super::transport`] for messages of other stores, and [`Room`] for rounds. After [`Inbox::close`] messages are
//! dropped, and with them their callbacks, so that nobody waits for a loop that is gone.
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Messages for one reader.
pub struct Inbox<T> {
    queue: Mutex<Queue<T>>,
    /// How many messages make it full; the limit of those who ask with [`Room`].
    limit: usize,
    arrived: Condvar,
    taken: Condvar,
}

struct Queue<T> {
    messages: Vec<T>,
    closed: bool,
    reader: Option<Waker>,
    /// Of the one who waits for room.
    sender: Option<Waker>,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Inbox::with_limit(usize::MAX)
    }
}

impl<T> Inbox<T> {
    /// An inbox that counts as full from `limit` messages on.
    pub fn with_limit(limit: usize) -> Self {
        let queue = Queue { messages: Vec::new(), closed: false, reader: None, sender: None };
        Inbox { queue: Mutex::new(queue), limit, arrived: Condvar::new(), taken: Condvar::new() }
    }

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
        let reader = queue.reader.take();
        drop(queue);
        // Only the first message after a swap can find the reader asleep.
        if first {
            self.arrived.notify_one();
        }
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Moves all messages to `into`, waiting up to `timeout` for the first one. `into` must be empty. False when the
    /// inbox is closed.
    pub fn take(&self, into: &mut Vec<T>, timeout: Duration) -> bool {
        debug_assert!(into.is_empty(), "handled messages are gone");
        let mut queue = self.queue.lock();
        if queue.messages.is_empty() && !timeout.is_zero() {
            self.arrived.wait_for(&mut queue, timeout);
        }
        std::mem::swap(&mut queue.messages, into);
        let (sender, open) = (queue.sender.take(), !queue.closed);
        drop(queue);
        self.taken.notify_all();
        if let Some(sender) = sender {
            sender.wake();
        }
        open
    }

    /// Ready when there is something to take, or never will be.
    pub fn poll_arrived(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if !queue.messages.is_empty() || queue.closed {
            return Poll::Ready(());
        }
        queue.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Drops what is queued and whatever comes later.
    pub fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let dropped = std::mem::take(&mut queue.messages);
        let wakers = [queue.reader.take(), queue.sender.take()];
        drop(queue);
        self.arrived.notify_all();
        self.taken.notify_all();
        wakers.into_iter().flatten().for_each(Waker::wake);
        drop(dropped);
    }
}

/// Room in an inbox, for a sender that must not run ahead of the reader. The reader must not wait for the sender.
pub trait Room: Send + Sync {
    fn is_full(&self) -> bool;

    /// Blocks until there is room.
    fn wait_for_room(&self);

    /// Ready when there is room.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()>;
}

impl<T: Send> Room for Inbox<T> {
    fn is_full(&self) -> bool {
        let queue = self.queue.lock();
        queue.messages.len() >= self.limit && !queue.closed
    }

    fn wait_for_room(&self) {
        let mut queue = self.queue.lock();
        while queue.messages.len() >= self.limit && !queue.closed {
            self.taken.wait(&mut queue);
        }
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.messages.len() < self.limit || queue.closed {
            return Poll::Ready(());
        }
        queue.sender = Some(context.waker().clone());
        Poll::Pending
    }
}
