//! Tasks and threads: every one has a name, and an owner who can wait for it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use crate::BoxFuture;

pub trait Spawn: Send + Sync {
    /// Runs `future` on its own; it goes on when the handle is dropped.
    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle;

    /// Runs `work`, which may block, beside the tasks.
    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> TaskHandle;

    /// Whether loops may block threads of their own. A simulation has none: there they run in steps, as tasks.
    fn has_threads(&self) -> bool;

    /// Starts an operating system thread, for loops that block for their whole life.
    fn spawn_thread(&self, name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<ThreadHandle>;

    /// Names of what is running now and how often, sorted; to find what keeps a shutdown waiting.
    fn running(&self) -> Vec<(String, usize)>;
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    Finished,
    Aborted,
    Panicked,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    end: Option<TaskEnd>,
    waiters: Vec<Waker>,
}

/// Waits for a task, or aborts it. Dropping the handle does neither.
pub struct TaskHandle {
    name: &'static str,
    shared: Arc<Shared>,
    abort: Box<dyn Fn() + Send + Sync>,
}

impl TaskHandle {
    /// A handle and the token whose drop ends it; for implementations of [`Spawn`].
    pub(crate) fn new(name: &'static str, abort: Box<dyn Fn() + Send + Sync>) -> (TaskHandle, TaskToken) {
        let shared = Arc::new(Shared::default());
        let token = TaskToken { shared: shared.clone(), end: TaskEnd::Aborted };
        (TaskHandle { name, shared, abort }, token)
    }

    pub(crate) fn set_abort(&mut self, abort: Box<dyn Fn() + Send + Sync>) {
        self.abort = abort;
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn is_finished(&self) -> bool {
        self.shared.state.lock().end.is_some()
    }

    /// Asks the task to stop at its next await point; [`TaskHandle::join`] tells when it did. Blocking work goes on.
    pub fn abort(&self) {
        (self.abort)();
    }

    /// Completes when the task has ended. May be called by several waiters, and again.
    pub async fn join(&self) -> TaskEnd {
        poll_fn(|context| {
            let mut state = self.shared.state.lock();
            match state.end {
                Some(end) => Poll::Ready(end),
                None => {
                    if !state.waiters.iter().any(|waiter| waiter.will_wake(context.waker())) {
                        state.waiters.push(context.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// Lives as long as its task; its drop tells the handle.
pub(crate) struct TaskToken {
    shared: Arc<Shared>,
    end: TaskEnd,
}

impl TaskToken {
    pub(crate) fn finished(&mut self) {
        self.end = TaskEnd::Finished;
    }
}

impl Drop for TaskToken {
    fn drop(&mut self) {
        let end = if std::thread::panicking() { TaskEnd::Panicked } else { self.end };
        let waiters = {
            let mut state = self.shared.state.lock();
            state.end = Some(end);
            std::mem::take(&mut state.waiters)
        };
        for waiter in waiters {
            waiter.wake();
        }
    }
}

/// Waits for a thread.
pub struct ThreadHandle {
    name: String,
    inner: std::thread::JoinHandle<()>,
}

impl ThreadHandle {
    pub(crate) fn new(name: String, inner: std::thread::JoinHandle<()>) -> ThreadHandle {
        ThreadHandle { name, inner }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// Blocks until the thread has ended; an error when it panicked.
    pub fn join(self) -> io::Result<()> {
        let name = self.name;
        self.inner.join().map_err(|_| io::Error::other(format!("thread {name} panicked")))
    }
}
