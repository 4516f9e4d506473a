//! Messages of other members, waiting for the driver. Bounded: what does not fit is lost, and raft repeats what matters.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use raft::eraftpb::Message;

const MESSAGES_MAX: usize = 4_096;

#[derive(Default)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Default)]
struct Queue {
    messages: Vec<Message>,
    is_closed: bool,
    reader: Option<Waker>,
}

impl Inbox {
    /// False when the message was dropped.
    pub(super) fn push(&self, message: Message) -> bool {
        let mut queue = self.queue.lock();
        if queue.is_closed || queue.messages.len() >= MESSAGES_MAX {
            return false;
        }
        queue.messages.push(message);
        self.wake(queue.reader.take());
        true
    }

    /// Ends the driver.
    pub(super) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        self.wake(queue.reader.take());
    }

    fn wake(&self, reader: Option<Waker>) {
        self.arrived.notify_one();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// All messages, waiting for the first one up to `timeout`; `None` when the inbox is closed.
    pub(super) fn take(&self, timeout: Duration) -> Option<Vec<Message>> {
        let mut queue = self.queue.lock();
        if queue.messages.is_empty() && !queue.is_closed && !timeout.is_zero() {
            self.arrived.wait_for(&mut queue, timeout);
        }
        if queue.is_closed { None } else { Some(std::mem::take(&mut queue.messages)) }
    }

    /// Ready when there is something to take, for a driver that is a task.
    pub(super) fn poll_arrived(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.is_closed || !queue.messages.is_empty() {
            return Poll::Ready(());
        }
        queue.reader = Some(context.waker().clone());
        Poll::Pending
    }
}
