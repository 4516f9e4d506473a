//! A store that is asked to stop hands its leaderships on first: no region waits for an election, no client is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, TransactionOptions};

use crate::process::Cluster;
use crate::work::Work;

const PATIENCE: Duration = Duration::from_secs(60);
/// One region from each letter on.
const LETTERS: std::ops::RangeInclusive<char> = 'a'..='p';

async fn put(client: &Client, number: u64) -> rutile_kv_client::Result<()> {
    let letters: Vec<char> = LETTERS.collect();
    let letter = letters[number as usize % letters.len()];
    let mut transaction = client.begin(TransactionOptions::default()).await?;
    transaction.put(Bytes::from(format!("{letter}-{number}")), Bytes::from_static(b"drain"));
    transaction.commit().await.map(drop)
}

fn leaders_of(cluster: &Cluster, index: usize) -> u64 {
    let own = |(id, ..): &&(u64, String, u64, u64)| cluster.index_of(*id) == index;
    cluster.store_table().iter().find(own).map_or(0, |(_, _, leaders, _)| *leaders)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stops_hands_its_leaderships_on() {
    let mut cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    let client = cluster.client().await;
    let keys: Vec<Bytes> = LETTERS.map(|letter| Bytes::from(letter.to_string())).collect();
    client.split_region(&keys).await.expect("splits");
    let (env, writer, longest) = (cluster.env.clone(), client.clone(), Arc::new(AtomicU64::new(0)));
    let (clock, slowest) = (env.clock.clone(), longest.clone());
    let writes = Work::start(&env, "writes", 0, |progress| async move {
        while progress.goes_on() {
            let (number, started) = (progress.done(), clock.now());
            put(&writer, number).await.unwrap_or_else(|error| panic!("write {number}: {error}"));
            let took = clock.now().saturating_since(started);
            slowest.fetch_max(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
            progress.note();
        }
    });
    writes.advance(40, PATIENCE).await;
    for index in 0..3 {
        let led = |cluster: &Cluster| Some(leaders_of(cluster, index)).filter(|leaders| *leaders > 0);
        let led = cluster.until("leaderships", led).await;
        longest.store(0, Ordering::SeqCst);
        assert!(cluster.stores[index].terminate().success());
        let log = cluster.stores[index].log();
        let said = log.lines().rev().find(|line| line.contains("leaderships are handed on"));
        assert!(said.is_some_and(|line| line.contains("leaders=0")), "{led} were led: {said:?}");
        // Each region at least once.
        writes.advance(2 * keys.len() as u64, PATIENCE).await;
        println!("{led} leaderships handed on; the slowest write took {} ms", longest.load(Ordering::SeqCst));
        cluster.restart(index);
        cluster.until_replicated(3).await;
    }
    writes.stop().await;
    client.close().await;
    // The last one has nobody to hand anything to, and does not wait for them.
    cluster.stores[1].kill();
    cluster.stores[2].kill();
    let started = env.clock.now();
    assert!(cluster.stores[0].terminate().success());
    assert!(env.clock.now().saturating_since(started) < PATIENCE / 3);
}
