//! Transfers while regions are split and merged every few hundred milliseconds: conflicts with one another are all that
//! clients are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, Error, LockOptions, ScanOptions, TransactionOptions};
use rutile_kv_proto::pdpb;
use rutile_pd_client::to_wire;

use super::bank::{ACCOUNTS, TOTAL, number, open, total};
use super::{Cluster, begin, key, start};

const CHANGES: usize = 30;

fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::WriteConflict { .. } | Error::Deadlock { .. } | Error::LockWaitTimeout { .. })
}

/// Moves one unit; false when another transfer was faster.
async fn transfer(client: &Client, pessimistic: bool, from: usize, to: usize) -> Result<bool, Error> {
    let options = TransactionOptions { pessimistic, ..TransactionOptions::default() };
    let mut transaction = client.begin(options).await?;
    let keys = [key(from), key(to)];
    let moved = async {
        if pessimistic {
            transaction.lock_keys(&keys, &LockOptions::default()).await?;
        }
        let mut balances = [0, 0];
        for (balance, key) in balances.iter_mut().zip(&keys) {
            *balance = number(transaction.get(key).await?.as_ref());
        }
        if balances[0] > 0 {
            transaction.put(keys[0].clone(), Bytes::from((balances[0] - 1).to_string()));
            transaction.put(keys[1].clone(), Bytes::from((balances[1] + 1).to_string()));
        }
        transaction.commit().await.map(drop)
    };
    match moved.await {
        Ok(()) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Splits somewhere or merges two neighbours, as PD would ask for it, and waits until PD knows.
async fn change(cluster: &Cluster, n: usize) {
    let pd = cluster.client.pd();
    let before = pd.scan_regions(b"", b"", 0).await.expect("PD answers");
    if n.is_multiple_of(2) || before.len() < 2 {
        let at = [key(n * 7 % ACCOUNTS), key((n * 5 + 2) % ACCOUNTS)];
        cluster.client.split_region(&at).await.expect("splits");
        return;
    }
    let at = n % (before.len() - 1);
    let (mut source, mut target) = (before[at].region.clone(), before[at + 1].region.clone());
    if n.is_multiple_of(3) {
        std::mem::swap(&mut source, &mut target);
    }
    loop {
        let Ok(now) = pd.region_by_id(source.id).await else {
            return;
        };
        let target = pd.region_by_id(target.id).await.expect("nobody merges it");
        cluster.store.take_step(&pdpb::RegionHeartbeatResponse {
            region_id: now.region.id,
            region_epoch: Some(to_wire::epoch(now.region.epoch)),
            merge: Some(pdpb::Merge { target: Some(to_wire::region(&target.region)) }),
            ..pdpb::RegionHeartbeatResponse::default()
        });
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_do_not_notice_merges() {
    let cluster = start().await;
    open(&cluster.client).await;
    let (done, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for (task, client) in cluster.clients().into_iter().chain(cluster.clients()).enumerate() {
        let (client, done, count) = (client.clone(), done.clone(), count.clone());
        let work = async move {
            let mut n = task;
            while !done.load(Ordering::SeqCst) {
                n = (n * 5 + 3) % (1 << 20);
                let (from, to) = (n % ACCOUNTS, (n / 7 + 1) % ACCOUNTS);
                if from == to {
                    continue;
                }
                let moved = transfer(&client, task >= 3, from, to).await;
                assert!(moved.is_ok(), "{moved:?}");
                count.fetch_add(u64::from(matches!(moved, Ok(true))), Ordering::SeqCst);
            }
        };
        let env = cluster.client.env().clone();
        tasks.push(env.spawn.spawn("transfers", Box::pin(work)));
    }
    for n in 0..CHANGES {
        change(&cluster, n).await;
        assert_eq!(
            total(&begin(&cluster.client).await, ScanOptions::default()).await,
            TOTAL,
            "after change {n}"
        );
    }
    done.store(true, Ordering::SeqCst);
    for task in tasks {
        assert_eq!(task.join().await, rutile_kv_env::TaskEnd::Finished);
    }
    assert_eq!(total(&begin(&cluster.client).await, ScanOptions::default()).await, TOTAL);
    assert!(count.load(Ordering::SeqCst) > 0 && cluster.store.metrics().merges > 5);
    let merged = tokio::time::timeout(Duration::from_secs(60), merge_all(&cluster)).await;
    assert!(merged.is_ok(), "every region is merged in the end");
    assert_eq!(total(&begin(&cluster.client).await, ScanOptions::default()).await, TOTAL);
    cluster.stop().await;
}

async fn merge_all(cluster: &Cluster) {
    while cluster.client.pd().scan_regions(b"", b"", 0).await.expect("PD answers").len() > 1 {
        change(cluster, 1).await;
    }
}
