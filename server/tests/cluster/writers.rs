//! Writers that remember what was acknowledged, and the check that it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, ScanOptions, TransactionOptions};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_types::KeyRange;

const WRITERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// Writers under way.
pub struct Writers {
    env: Env,
    shared: Arc<Shared>,
    tasks: Vec<TaskHandle>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// Keys acknowledged by each writer: it writes 0, 1, 2 and so on, and never goes past one that was not acknowledged.
    acknowledged: [AtomicU64; WRITERS as usize],
}

fn key(writer: u64, number: u64) -> Bytes {
    Bytes::from(format!("w{writer}:{number:08}"))
}

impl Writers {
    pub async fn start(env: &Env, client: &Client) -> Writers {
        let shared = Arc::new(Shared::default());
        let task = |writer| {
            let work = write(client.clone(), shared.clone(), writer);
            env.spawn.spawn("writer", Box::pin(work))
        };
        let tasks = (0..WRITERS).map(task).collect();
        Writers { env: env.clone(), shared, tasks }
    }

    /// Waits until every writer has so many more keys acknowledged; how long it took.
    pub async fn advance(&self, count: u64) -> Duration {
        let started = self.env.clock.now();
        let before: Vec<u64> = self.counts();
        loop {
            let now = self.counts();
            let took = self.env.clock.now().saturating_since(started);
            if before.iter().zip(&now).all(|(before, now)| now - before >= count) {
                return took;
            }
            assert!(took < PATIENCE, "writers stand still at {now:?}");
            self.env.clock.sleep(Duration::from_millis(20)).await;
        }
    }

    fn counts(&self) -> Vec<u64> {
        self.shared.acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// Ends them; how many keys of each were acknowledged.
    pub async fn stop(self) -> Vec<u64> {
        self.shared.stop.store(true, Ordering::SeqCst);
        for task in &self.tasks {
            task.join().await;
        }
        self.counts()
    }
}

async fn write(client: Client, shared: Arc<Shared>, writer: u64) {
    let mut number = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        let written = async {
            let mut transaction = client.begin(TransactionOptions::default()).await?;
            transaction.put(key(writer, number), Bytes::from(number.to_string()));
            transaction.commit().await
        };
        // What failed, or may have, is written again: the same value under the same key.
        if written.await.is_ok() {
            number += 1;
            shared.acknowledged[writer as usize].store(number, Ordering::SeqCst);
        }
    }
}

/// Reads everything and compares.
pub async fn check(client: &Client, acknowledged: &[u64]) {
    let snapshot = client.snapshot(client.timestamp().await.expect("a timestamp"));
    for (writer, count) in (0..).zip(acknowledged) {
        let range = KeyRange::new(key(writer, 0), key(writer, *count));
        let mut scanner = snapshot.scan(range, ScanOptions::default());
        let mut number = 0;
        while let Some((found, value)) = scanner.next().await.expect("reads") {
            assert_eq!((found, value), (key(writer, number), Bytes::from(number.to_string())));
            number += 1;
        }
        assert_eq!(number, *count, "keys of writer {writer}");
    }
}
