//! Somebody who takes one timestamp after another, whatever happens to PD.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_types::TimeStamp;
use rutile_pd_client::PdClient;

pub struct Timestamps {
    env: Env,
    shared: Arc<Shared>,
    task: TaskHandle,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    taken: AtomicU64,
    longest_wait_us: AtomicU64,
    /// Timestamps that were not later than the one before.
    wrong: AtomicU64,
}

impl Timestamps {
    pub fn start(env: &Env, pd: PdClient) -> Timestamps {
        let shared = Arc::new(Shared::default());
        let task = env.spawn.spawn("timestamps", Box::pin(take(env.clone(), pd, Arc::clone(&shared))));
        Timestamps { env: env.clone(), shared, task }
    }

    /// Waits until so many more were taken.
    pub async fn advance(&self, count: u64) {
        let before = self.shared.taken.load(Ordering::SeqCst);
        while self.shared.taken.load(Ordering::SeqCst) < before + count {
            assert!(!self.task.is_finished(), "nobody takes timestamps any more");
            self.env.clock.sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many were taken, and the longest wait for one. All of them were later than those before.
    pub async fn stop(self) -> (u64, Duration) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.task.join().await;
        assert_eq!(self.shared.wrong.load(Ordering::SeqCst), 0, "time went back");
        let longest = Duration::from_micros(self.shared.longest_wait_us.load(Ordering::SeqCst));
        (self.shared.taken.load(Ordering::SeqCst), longest)
    }
}

async fn take(env: Env, pd: PdClient, shared: Arc<Shared>) {
    let mut former = TimeStamp::ZERO;
    let mut last = env.clock.now();
    while !shared.stop.load(Ordering::SeqCst) {
        // Refused: it is asked again, and the wait goes on.
        if let Ok(next) = pd.timestamp().await {
            let now = env.clock.now();
            let waited = now.saturating_since(last).as_micros() as u64;
            shared.longest_wait_us.fetch_max(waited, Ordering::SeqCst);
            shared.wrong.fetch_add(u64::from(next <= former), Ordering::SeqCst);
            shared.taken.fetch_add(1, Ordering::SeqCst);
            (former, last) = (next, now);
        }
    }
}
