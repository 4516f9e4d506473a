//! Transactions that wait for one another at different stores.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, Error, LockOptions, LockWait, Transaction, TransactionOptions};
use rutile_kv_types::Key;

use crate::process::Cluster;

/// A circle through several stores is found within this time, also after the store that looks for them was killed.
const FOUND_WITHIN: Duration = Duration::from_secs(1);
/// How long the transactions would wait otherwise.
const WAIT_MAX: Duration = Duration::from_secs(50);

const KEYS: [&str; 3] = ["da", "db", "dc"];

fn encoded(key: &str) -> String {
    Key::from_raw(key.as_bytes()).into_encoded().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Each key in a region of its own, led by a store of its own.
async fn spread(cluster: &Cluster, client: &Client) {
    cluster.ask(&["scheduler", "pause", "all", "3600"]);
    for key in KEYS {
        client.split_region(&[Bytes::from(key)]).await.expect("splits");
    }
    let stores: Vec<u64> = cluster.store_table().iter().map(|(id, ..)| *id).collect();
    for (key, store) in KEYS.iter().zip(&stores) {
        cluster
            .until("a leader on each store", |cluster| {
                let region = cluster.ask(&["region", "key", &encoded(key)]);
                if region["leader"]["store_id"].as_u64() == Some(*store) {
                    return Some(());
                }
                // Refused while the region is not replicated yet, or has an operator.
                let id = region["id"].to_string();
                drop(cluster.try_ask(&["operator", "add", "transfer-leader", &id, &store.to_string()]));
                None
            })
            .await;
    }
}

async fn lock(transaction: &mut Transaction, key: &str) -> Result<(), Error> {
    let options = LockOptions { wait: LockWait::Timeout(WAIT_MAX), ..LockOptions::default() };
    transaction.lock_keys(&[Bytes::copy_from_slice(key.as_bytes())], &options).await.map(drop)
}

/// Three transactions, each of which locks one key and then wants the next one's. Answers how long it took until one
/// of them was told, and ends them all.
async fn close_a_circle(cluster: &Cluster, client: &Client) -> Duration {
    let pessimistic = || TransactionOptions { pessimistic: true, ..TransactionOptions::default() };
    let mut transactions = Vec::new();
    for key in KEYS {
        let mut transaction = client.begin(pessimistic()).await.expect("begins");
        lock(&mut transaction, key).await.expect("is free");
        transactions.push(transaction);
    }
    let started = cluster.env.clock.now();
    let wanted = KEYS.iter().cycle().skip(1);
    let waits = transactions.iter_mut().zip(wanted);
    let waits = waits.map(|(transaction, key)| Box::pin(lock(transaction, key)));
    let (first, _, rest) = futures::future::select_all(waits).await;
    let took = cluster.env.clock.now().saturating_since(started);
    assert!(matches!(first, Err(Error::Deadlock { .. })), "{first:?}");
    drop(rest);
    for transaction in &mut transactions {
        transaction.rollback().await.expect("rolls back");
    }
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circles_through_stores_are_found() {
    let mut cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    let client = cluster.client().await;
    spread(&cluster, &client).await;
    for _ in 0..3 {
        let took = close_a_circle(&cluster, &client).await;
        assert!(took < FOUND_WITHIN, "found after {took:?}");
    }
    // The detector is where the first region is led.
    let regions = cluster.regions();
    let first = regions.iter().find(|region| region["start_key"] == "").expect("a first region");
    let killed = first["leader"]["store_id"].as_u64().expect("a leader");
    let index = cluster.index_of(killed);
    cluster.stores[index].kill();
    cluster.restart(index);
    spread(&cluster, &client).await;
    let took = close_a_circle(&cluster, &client).await;
    assert!(took < FOUND_WITHIN, "found after {took:?}");
    client.close().await;
}
