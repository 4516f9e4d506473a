//! A client that does one thing after another in the background, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rutile_kv_env::{Env, TaskHandle};

const LOOK: Duration = Duration::from_millis(50);

/// What the client is told, and what it tells.
#[derive(Clone, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    done: AtomicU64,
}

impl Progress {
    pub fn goes_on(&self) -> bool {
        !self.0.stop.load(Ordering::Acquire)
    }

    /// What was acknowledged by now.
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Acquire)
    }

    /// One more was acknowledged.
    pub fn note(&self) {
        self.0.done.fetch_add(1, Ordering::AcqRel);
    }
}

pub struct Work {
    env: Env,
    name: &'static str,
    progress: Progress,
    task: TaskHandle,
}

impl Work {
    /// Counts on from `done`.
    pub fn start<F>(env: &Env, name: &'static str, done: u64, work: impl FnOnce(Progress) -> F) -> Work
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let progress = Progress::default();
        progress.0.done.store(done, Ordering::Release);
        let task = env.spawn.spawn(name, Box::pin(work(progress.clone())));
        Work { env: env.clone(), name, progress, task }
    }

    /// Waits until so many more were acknowledged, `patience` at most.
    pub async fn advance(&self, count: u64, patience: Duration) {
        let (goal, started) = (self.progress.done() + count, self.env.clock.now());
        while self.progress.done() < goal {
            assert!(!self.task.is_finished(), "the {} ended", self.name);
            assert!(self.env.clock.now().saturating_since(started) < patience, "no {}", self.name);
            self.env.clock.sleep(LOOK).await;
        }
    }

    /// Ends it; what was acknowledged in all.
    pub async fn stop(self) -> u64 {
        self.progress.0.stop.store(true, Ordering::Release);
        self.task.join().await;
        self.progress.done()
    }
}
