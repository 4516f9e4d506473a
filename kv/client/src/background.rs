//! Work that goes on after the caller got its answer: committing secondaries, removing locks.

use std::sync::Arc;

use rutile_kv_env::{BoxFuture, Env};
use tokio::sync::Semaphore;

/// Tasks at a time; when all are busy, the caller does the work itself, which slows it down to what stores can take.
const TASKS_MAX: u32 = 256;

#[derive(Clone)]
pub(crate) struct Background {
    permits: Arc<Semaphore>,
}

impl Background {
    pub(crate) fn new() -> Background {
        Background { permits: Arc::new(Semaphore::new(TASKS_MAX as usize)) }
    }

    /// Runs `work` beside the caller, or in the caller when too much runs already.
    pub(crate) async fn run(&self, env: &Env, name: &'static str, work: BoxFuture<'static, ()>) {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => {
                let task = async move {
                    work.await;
                    drop(permit);
                };
                env.spawn.spawn(name, Box::pin(task));
            }
            Err(_) => work.await,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    /// Waits for everything that runs; later work runs in its caller.
    pub(crate) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(TASKS_MAX).await {
            self.permits.close();
            drop(all);
        }
    }
}
