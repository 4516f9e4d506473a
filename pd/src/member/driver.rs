//! What makes a member go: a thread that takes messages and ticks, or in a simulation a task that does the same.
//!
//! No two ticks are closer together than they should be. After a pause the messages that waited come first, and then one
//! tick, not the ones that were missed: a member that counted them all would forget in an instant what it promised to a
//! leader that it heard of in the same instant.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use rutile_kv_env::{Monotonic, TaskHandle, ThreadHandle, fail_stop};

use super::lease::TICK;
use super::member::Member;

/// A driver that runs.
pub(super) enum Driver {
    Thread(ThreadHandle),
    Task(TaskHandle),
}

impl Driver {
    pub(super) fn start(member: Arc<Member>) -> io::Result<Driver> {
        let spawn = Arc::clone(&member.env().spawn);
        if !spawn.has_threads() {
            return Ok(Driver::Task(spawn.spawn("pd-member", Box::pin(run_as_task(member)))));
        }
        let guarded = move || {
            let run = std::panic::AssertUnwindSafe(|| run_as_thread(&member));
            // Half a member must not go on.
            if std::panic::catch_unwind(run).is_err() {
                fail_stop("panic in the thread of a PD member", &"pd-member");
            }
        };
        spawn.spawn_thread("pd-member", Box::new(guarded)).map(Driver::Thread)
    }

    /// Waits for the end; the inbox is closed.
    pub(super) async fn join(self) {
        match self {
            Driver::Thread(thread) => {
                if let Err(error) = thread.join() {
                    tracing::warn!(%error, "the thread of the PD member did not end well");
                }
            }
            Driver::Task(task) => drop(task.join().await),
        }
    }
}

/// When the next tick is due.
struct Ticks(Monotonic);

impl Ticks {
    fn is_due(&mut self, now: Monotonic) -> bool {
        if now < self.0 {
            return false;
        }
        self.0 = now + TICK;
        true
    }
}

fn run_as_thread(member: &Member) {
    let clock = &member.env().clock;
    let mut ticks = Ticks(clock.now() + TICK);
    while let Some(messages) = member.inbox().take(ticks.0.saturating_since(clock.now())) {
        member.drive(messages, ticks.is_due(clock.now()));
    }
}

async fn run_as_task(member: Arc<Member>) {
    let clock = Arc::clone(&member.env().clock);
    let mut ticks = Ticks(clock.now() + TICK);
    loop {
        let mut timeout = clock.sleep(ticks.0.saturating_since(clock.now()));
        poll_fn(|context| match member.inbox().poll_arrived(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => timeout.as_mut().poll(context),
        })
        .await;
        let Some(messages) = member.inbox().take(std::time::Duration::ZERO) else {
            return;
        };
        member.drive(messages, ticks.is_due(clock.now()));
    }
}
