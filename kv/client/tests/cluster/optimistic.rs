//! Optimistic transactions, reads and pushed-down plans.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use rutile_kv_client::{CommitLimit, CoprocessorOptions, Error, Payload, ScanOptions, TransactionOptions};
use rutile_kv_types::{Key, KeyRange, TimeStamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::carrier::is_network;
use super::{all, bank, begin, fill, key, keys_of, plan, start, value};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_read() {
    let cluster = start().await;
    for client in cluster.clients() {
        let mut writer = begin(client).await;
        let before = begin(client).await;
        writer.put(key(1), value(1));
        writer.put(key(2), value(2));
        assert_eq!(writer.get(&key(1)).await.expect("reads its own write"), Some(value(1)));
        let commit_ts = writer.commit().await.expect("commits");
        assert!(commit_ts > before.start_ts());
        assert!(matches!(writer.commit().await, Err(Error::TransactionEnded(_))));
        let after = begin(client).await;
        assert!(after.start_ts() >= commit_ts);
        let found = after.batch_get(&[key(1), key(2), key(3)]).await.expect("reads");
        assert_eq!(found.len(), 2);
        assert_eq!(found.get(&key(2)), Some(&value(2)));
        let old = client.snapshot(before.start_ts());
        let mut delete = begin(client).await;
        delete.delete(key(1));
        delete.delete(key(2));
        delete.commit().await.expect("commits");
        assert_eq!(begin(client).await.get(&key(1)).await.expect("reads"), None);
        assert_eq!(old.get(&key(2)).await.expect("reads"), None);
        assert_eq!(client.snapshot(commit_ts).get(&key(2)).await.expect("reads"), Some(value(2)));
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_committer_wins() {
    let cluster = start().await;
    let [one_phase, two_phases, async_commits] = cluster.clients();
    for (one, other) in [(one_phase, two_phases), (two_phases, async_commits), (async_commits, one_phase)] {
        let (mut first, mut second) = (begin(one).await, begin(other).await);
        first.put(key(1), value(1));
        second.put(key(1), value(2));
        second.put(key(9), value(9));
        let commit_ts = first.commit().await.expect("commits");
        match second.commit().await {
            Err(Error::WriteConflict { conflict_commit_ts, key: at, .. }) => {
                assert_eq!((conflict_commit_ts, at), (commit_ts, key(1)));
            }
            other => panic!("expected a conflict, got {other:?}"),
        }
        let reader = begin(one).await;
        assert_eq!(reader.get(&key(1)).await.expect("reads"), Some(value(1)));
        assert_eq!(reader.get(&key(9)).await.expect("reads"), None);
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inserts_find_existing_keys_at_commit() {
    let cluster = start().await;
    for client in cluster.clients() {
        let mut first = begin(client).await;
        first.insert(key(1), value(1));
        first.commit().await.expect("inserts");
        let mut second = begin(client).await;
        second.put(key(0), value(0));
        second.insert(key(1), value(2));
        match second.commit().await {
            Err(Error::AlreadyExists { key: at }) => assert_eq!(at, key(1)),
            other => panic!("expected a duplicate, got {other:?}"),
        }
        let mut replace = begin(client).await;
        replace.delete(key(1));
        replace.insert(key(1), value(3));
        replace.commit().await.expect("a key deleted before is free");
        let mut vanish = begin(client).await;
        vanish.insert(key(1), value(4));
        vanish.delete(key(1));
        assert!(
            matches!(vanish.commit().await, Err(Error::AlreadyExists { .. })),
            "the check survives the delete"
        );
        let mut clean = begin(client).await;
        assert_eq!(clean.get(&key(1)).await.expect("reads"), Some(value(3)));
        assert_eq!(clean.get(&key(0)).await.expect("reads"), None);
        clean.delete(key(1));
        clean.commit().await.expect("commits");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn splits_in_the_middle_are_invisible() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..300).await;
    // A second client whose cache knows one region only.
    let stale = &cluster.two_phases;
    assert_eq!(
        stale.snapshot(stale.timestamp().await.expect("a timestamp")).get(&key(0)).await.expect("reads"),
        Some(value(0))
    );
    let mut half_read =
        begin(stale).await.scan(KeyRange::all(), ScanOptions { batch: 7, ..ScanOptions::default() });
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.extend(half_read.next().await.expect("scans"));
    }
    let mut half_written = begin(stale).await;
    for n in (0..300).step_by(3) {
        half_written.put(key(n), value(n + 1_000));
    }
    client.split_region(&[key(50), key(100), key(101), key(250)]).await.expect("splits");
    client.split_region(&[key(100)]).await.expect("a boundary again is fine");
    while let Some(pair) = half_read.next().await.expect("scans") {
        seen.push(pair);
    }
    assert_eq!(seen.len(), 300);
    assert!(seen.iter().enumerate().all(|(n, pair)| *pair == (key(n), value(n))));
    half_written.commit().await.expect("commits across regions");
    client.split_region(&[key(150), key(200)]).await.expect("splits");
    let reader = begin(stale).await;
    let keys: Vec<Bytes> = (0..300).map(key).collect();
    let found = reader.batch_get(&keys).await.expect("reads");
    for n in 0..300 {
        let expected = if n % 3 == 0 { value(n + 1_000) } else { value(n) };
        assert_eq!(found.get(&key(n)), Some(&expected), "key {n}");
    }
    // PD is told behind the client's back.
    while client.pd().scan_regions(b"", b"", 0).await.expect("PD answers").len() < 7 {
        tokio::task::yield_now().await;
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_merge_own_writes_both_ways() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..100).await;
    client.split_region(&[key(30), key(60)]).await.expect("splits");
    let mut transaction = begin(client).await;
    let mut expected: BTreeMap<Bytes, Bytes> = (0..100).map(|n| (key(n), value(n))).collect();
    for n in (0..120).step_by(7) {
        transaction.put(key(n), value(n + 5_000));
        expected.insert(key(n), value(n + 5_000));
    }
    for n in (0..120).step_by(5) {
        transaction.delete(key(n));
        expected.remove(&key(n));
    }
    for (start, end) in
        [("", ""), ("k0010", "k0075"), ("k0030", "k0060"), ("k0029x", ""), ("", "k0030"), ("z", "")]
    {
        let range = KeyRange::new(start, end);
        let inside = expected.iter().filter(|(key, _)| range.contains(key));
        let forward: Vec<_> = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
        for batch in [1, 3, 1_000] {
            for limit in [None, Some(0), Some(1), Some(20)] {
                let options = ScanOptions { batch, limit, ..ScanOptions::default() };
                let taken = limit.unwrap_or(usize::MAX);
                let got = all(&transaction, range.clone(), options.clone()).await;
                assert_eq!(
                    got,
                    forward.iter().take(taken).cloned().collect::<Vec<_>>(),
                    "{range:?} {options:?}"
                );
                let options = ScanOptions { reverse: true, ..options };
                let got = all(&transaction, range.clone(), options.clone()).await;
                assert_eq!(
                    got,
                    forward.iter().rev().take(taken).cloned().collect::<Vec<_>>(),
                    "{range:?} {options:?}"
                );
            }
        }
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_pushed_to_every_region() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..200).await;
    client.split_region(&[key(40), key(80), key(120)]).await.expect("splits");
    let ts = client.timestamp().await.expect("a timestamp");
    let ranges = vec![KeyRange::new(key(10), key(90)), KeyRange::new(key(100), key(150))];
    let expected: Vec<Bytes> = (10..90).chain(100..150).map(key).collect();
    for (paging_rows, keep_order) in [(0, true), (7, true), (7, false), (0, false)] {
        let options =
            CoprocessorOptions { tp: 1, paging_rows, concurrency: 3, keep_order, ..Default::default() };
        // The other client has not seen the splits yet in its first round.
        let answers = cluster.two_phases.coprocessor(ts, ranges.clone(), plan(), options);
        let pages: Vec<Payload> = answers.try_collect().await.expect("answers");
        let mut keys: Vec<Bytes> = pages.iter().flat_map(keys_of).collect();
        if !keep_order {
            keys.sort();
        }
        assert_eq!(keys, expected, "{paging_rows} {keep_order}");
    }
    let mut bad = begin(client).await;
    bad.put(Bytes::from_static(b"k0020!"), value(0));
    bad.commit().await.expect("commits");
    let ts = client.timestamp().await.expect("a timestamp");
    let options = CoprocessorOptions { tp: 1, ..CoprocessorOptions::default() };
    let mut answers = client.coprocessor(ts, ranges, plan(), options);
    match answers.next().await {
        Some(Err(Error::Endpoint { message, payload })) => {
            assert!(message.contains("bad row"), "{message}");
            // The object behind the text stays in its process.
            let object = payload.and_then(|payload| payload.downcast::<u32>());
            assert_eq!(object.as_deref().is_some_and(|object| *object == 7), !is_network());
        }
        other => panic!("expected the endpoint's error, got {other:?}"),
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_checked_before_anything_is_sent() {
    let cluster = start().await;
    let mut transaction = begin(&cluster.client).await;
    transaction.put(key(1), Bytes::from(vec![0; 7 << 20]));
    assert!(matches!(transaction.commit().await, Err(Error::EntryTooLarge { .. })));
    let mut transaction = begin(&cluster.client).await;
    let value = Bytes::from(vec![0; 4 << 20]);
    (0..257).for_each(|n| transaction.put(key(n), value.clone()));
    assert!(matches!(transaction.commit().await, Err(Error::TransactionTooLarge { .. })));
    cluster.stop().await;
}

/// Transfers between accounts of several regions while readers check that the sum never changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_bank_keeps_its_total() {
    let cluster = start().await;
    bank::open(&cluster.client).await;
    cluster.client.split_region(&[key(4), key(8)]).await.expect("splits");
    let transfers = (0..4_usize).map(|worker| {
        let client = cluster.clients()[worker % 3].clone();
        async move {
            let mut committed = 0;
            for round in 0..40_usize {
                let (from, to) =
                    ((worker * 5 + round * 7) % bank::ACCOUNTS, (worker + round * 3 + 1) % bank::ACCOUNTS);
                if from == to {
                    continue;
                }
                let mut transaction = begin(&client).await;
                let balances = transaction.batch_get(&[key(from), key(to)]).await.expect("reads");
                let balance = |n: usize| bank::number(Some(balances.get(&key(n)).expect("an account")));
                let (source, target) = (balance(from) - 1, balance(to) + 1);
                transaction.put(key(from), Bytes::from(source.to_string()));
                transaction.put(key(to), Bytes::from(target.to_string()));
                match transaction.commit().await {
                    Ok(_) => committed += 1,
                    Err(Error::WriteConflict { .. }) => {}
                    Err(error) => panic!("unexpected {error:?}"),
                }
                let reader = begin(&client).await;
                let options = ScanOptions { batch: 5, ..ScanOptions::default() };
                assert_eq!(bank::total(&reader, options).await, bank::TOTAL);
            }
            committed
        }
    });
    let committed: Vec<usize> = futures::future::join_all(transfers).await;
    assert!(committed.iter().sum::<usize>() > 20, "{committed:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bounds_of_a_key_space_are_bounds_of_regions() {
    let cluster = start().await;
    for _ in 0..2 {
        cluster.client.split_keyspace(0).await.expect("splits");
    }
    let bounds = [b"r\0\0\0", b"r\0\0\x01", b"x\0\0\0", b"x\0\0\x01"];
    let bounds = bounds.map(|raw| Bytes::from(Key::from_raw(raw).into_encoded()));
    let told = async {
        loop {
            let found = cluster.client.pd().scan_regions(b"", b"", 0).await.expect("PD answers");
            let starts: Vec<Bytes> =
                found.iter().skip(1).map(|found| found.region.start_key.clone()).collect();
            if starts == bounds {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("PD hears of the splits");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_commits_above_the_limit_it_began_under() {
    let cluster = start().await;
    let client = &cluster.client;
    client.split_region(&[key(5)]).await.expect("splits");
    let limit = Arc::new(CommitLimit::new(client.timestamp().await.expect("a timestamp")));
    let free = begin(client).await;
    client.limit_commits(Arc::clone(&limit));
    // With one phase and with two.
    for keys in [vec![1], vec![1, 9]] {
        let mut late = begin(client).await;
        keys.iter().for_each(|n| late.put(key(*n), value(7)));
        let refused = late.commit().await.expect_err("the limit lies behind");
        assert!(matches!(refused, Error::CommitLimit { .. }), "{refused}");
        let now = begin(client).await;
        assert_eq!(now.batch_get(&[key(1), key(9)]).await.expect("reads").len(), 0, "nothing is left behind");
    }
    let renewing = client.begin_unlimited(TransactionOptions::default()).await.expect("begins");
    for (n, mut unlimited) in [(2, free), (4, renewing)] {
        unlimited.put(key(n), value(2));
        unlimited.commit().await.expect("commits");
    }
    let mut renewed = begin(client).await;
    renewed.put(key(1), value(1));
    renewed.put(key(9), value(1));
    let later = client.timestamp().await.expect("a timestamp");
    limit.extend(TimeStamp::compose(later.physical() + 60_000, 0));
    renewed.commit().await.expect("the limit moved on in time");
    let lost = begin(client).await;
    client.limit_commits(Arc::new(CommitLimit::new(TimeStamp::MAX)));
    let mut again = begin(client).await;
    again.put(key(3), value(3));
    again.commit().await.expect("a new limit is for what begins under it");
    drop(lost);
}
