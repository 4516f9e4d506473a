//! What makes the loops of a store go: a thread each, or in a simulation a task each.
//!
//! A loop is a [`Steps`]: it says what it waits for, and handles what arrived without blocking on anything but the
//! disk. Both drivers run the same steps. In a simulation a step is atomic, so what can come between two loops can
//! come between two steps; rare pauses stretch the time between them, as a scheduler or a slow disk would.
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rutile_kv_env::{Env, TaskHandle, ThreadHandle, fail_stop};

use super::inbox::{Inbox, Room};
use crate::error::{Error, Result};

/// A pause is taken before one step in this many.
const PAUSE_ONE_IN: u64 = 150;

/// What a loop waits for.
pub enum Wait {
    /// A message, or until this much time has passed.
    Message(Duration),
    /// Room for what it has to pass on.
    Room(Arc<dyn Room>),
}

/// A loop, cut into steps.
pub trait Steps: Send + 'static {
    type Message: Send + 'static;
    /// Names the thread.
    const NAME: &'static str;
    /// Names the rare pause.
    const PAUSE: &'static str;
    /// How long the rare pause may be; by default long enough to lose a lease and an election.
    const PAUSE_MAX: Duration = Duration::from_millis(2_500);

    /// What to wait for before the next step.
    fn wait(&self) -> Wait;

    /// Handles all messages. False ends the loop.
    fn step(&mut self, messages: &mut Vec<Self::Message>) -> bool;
}

/// A loop that runs.
pub enum Running {
    Thread(ThreadHandle),
    Task(TaskHandle),
}

/// Starts a loop.
pub fn start<S: Steps>(env: &Env, inbox: Arc<Inbox<S::Message>>, steps: S) -> Result<Running> {
    if !env.spawn.has_threads() {
        let task = env.spawn.spawn(S::NAME, Box::pin(run_as_task(env.clone(), inbox, steps)));
        return Ok(Running::Task(task));
    }
    let guarded = move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_as_thread(&inbox, steps)));
        // Half a store must not go on.
        if result.is_err() {
            fail_stop("panic in a thread of the store", &S::NAME);
        }
    };
    let thread: io::Result<ThreadHandle> = env.spawn.spawn_thread(S::NAME, Box::new(guarded));
    Ok(Running::Thread(thread.map_err(|error| Error::Engine(error.into()))?))
}

fn run_as_thread<S: Steps>(inbox: &Inbox<S::Message>, mut steps: S) {
    let mut messages = Vec::new();
    loop {
        let open = match steps.wait() {
            Wait::Message(limit) => inbox.take(&mut messages, limit),
            Wait::Room(room) => {
                room.wait_for_room();
                inbox.take(&mut messages, Duration::ZERO)
            }
        };
        if !open || !steps.step(&mut messages) {
            return;
        }
    }
}

async fn run_as_task<S: Steps>(env: Env, inbox: Arc<Inbox<S::Message>>, mut steps: S) {
    let mut messages = Vec::new();
    loop {
        match steps.wait() {
            Wait::Message(limit) if limit.is_zero() => {}
            Wait::Message(limit) => {
                let mut timeout = env.clock.sleep(limit);
                poll_fn(|context| match inbox.poll_arrived(context) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => timeout.as_mut().poll(context),
                })
                .await;
            }
            Wait::Room(room) => poll_fn(|context| room.poll_room(context)).await,
        }
        if env.hooks.buggify(S::PAUSE, PAUSE_ONE_IN) {
            let pause_us = env.random.range(0..S::PAUSE_MAX.as_micros() as u64);
            env.clock.sleep(Duration::from_micros(pause_us)).await;
        }
        if !inbox.take(&mut messages, Duration::ZERO) || !steps.step(&mut messages) {
            return;
        }
    }
}
