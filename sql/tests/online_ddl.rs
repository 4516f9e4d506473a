//! ALTER TABLE while sessions write: afterwards every row has its index entries and every entry its row.

#![expect(clippy::disallowed_methods, reason = "clients of the SQL layer run outside of its environment")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cluster::Cluster;
use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_sql::codec::{Handle, index_entry, record_key};
use rutile_sql::generation::decode_row;
use rutile_sql::{Outcome, Script, Session, SqlError};
use rutile_sql_types::TimeZone;

const WRITERS: u64 = 4;
const ROWS: u64 = 600;

async fn run(session: &mut Session, sql: &str) -> Result<Option<Outcome>, SqlError> {
    let mut last = None;
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), true);
    while let Some(statement) = session.next_statement(&mut script)? {
        last = Some(session.execute(&statement).await?);
    }
    Ok(last)
}

async fn must(session: &mut Session, sql: &str) {
    if let Err(error) = run(session, sql).await {
        panic!("{sql}: {error}");
    }
}

/// Inserts, changes and deletes rows of its own and of others until told to stop. Lost races are part of the game;
/// any other error is not.
async fn write(mut session: Session, writer: u64, stop: Arc<AtomicBool>) -> u64 {
    must(&mut session, "use d").await;
    let mut statements = 0;
    while !stop.load(Ordering::Acquire) {
        let id = 10_000 + writer * 100_000 + statements;
        let shared = (statements * 7 + writer) % ROWS + 1;
        let batch = [
            format!("insert into t (id, a, b) values ({id}, {}, 'w{writer}')", id % 97),
            format!("update t set a = a + 1 where id = {shared}"),
            format!("delete from t where id = {}", id.saturating_sub(3)),
            format!(
                "begin; update t set b = concat(b, '!') where id = {shared}; update t set a = {id} where id = {id}; commit"
            ),
        ];
        for sql in &batch {
            if let Err(error) = run(&mut session, sql).await {
                assert_eq!(error.code, 1213, "{sql}: {error}");
                must(&mut session, "rollback").await;
            }
        }
        statements += 1;
        tokio::task::yield_now().await;
    }
    statements
}

/// Compares the entries of every index with what the rows ask for.
async fn check(cluster: &Cluster) -> (usize, usize) {
    check_table(cluster, "t").await
}

async fn check_table(cluster: &Cluster, name: &str) -> (usize, usize) {
    let schema = cluster.instance.infoschema();
    let table = schema.table("d", name).expect("exists");
    let timestamp = cluster.client.timestamp().await.expect("a timestamp");
    let snapshot = cluster.client.snapshot(timestamp);
    let mut expected = BTreeMap::new();
    let mut rows = 0;
    let mut scanner = snapshot.scan(record_key::record_range(table.id), ScanOptions::default());
    while let Some((key, stored)) = scanner.next().await.expect("readable") {
        let (_, suffix) = record_key::split_record_key(&key).expect("a record key");
        let handle = Handle::from_record_suffix(suffix, table.is_common_handle()).expect("a handle");
        let row = decode_row(table, &handle, &stored, TimeZone::UTC).expect("a row");
        for index in table.writable_indexes() {
            let entry = index_entry::index_entry(table, index, &row, &handle).expect("an entry");
            expected.insert(entry.key, entry.value);
        }
        rows += 1;
    }
    let mut found = BTreeMap::new();
    for index in table.writable_indexes() {
        let mut scanner = snapshot.scan(record_key::index_range(table.id, index.id), ScanOptions::default());
        while let Some((key, value)) = scanner.next().await.expect("readable") {
            found.insert(key.to_vec(), value.to_vec());
        }
    }
    let missing = expected.keys().filter(|key| !found.contains_key(*key)).count();
    let dangling = found.keys().filter(|key| !expected.contains_key(*key)).count();
    assert_eq!((missing, dangling), (0, 0), "missing and dangling entries of {rows} rows");
    assert_eq!(found, expected);
    (rows, found.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_stay_true_under_writers() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    must(
        &mut session,
        "create database d; use d; create table t (id bigint primary key, a bigint, b varchar(60))",
    )
    .await;
    for start in (1..=ROWS).step_by(100) {
        let rows: Vec<String> = (start..start + 100).map(|id| format!("({id}, {}, 'r')", id % 50)).collect();
        must(&mut session, &format!("insert into t values {}", rows.join(","))).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let session = cluster.session(writer + 2).expect("opens");
            tokio::task::spawn(write(session, writer, Arc::clone(&stop)))
        })
        .collect();
    must(&mut session, "create index ia on t (a)").await;
    must(&mut session, "alter table t add index ib (b, a), add column c int not null default 7 after id")
        .await;
    must(&mut session, "alter table t drop index ia, add unique key uid (id, c)").await;
    stop.store(true, Ordering::Release);
    for writer in writers {
        assert!(writer.await.expect("the writer ends") > 0, "every writer wrote");
    }
    let (rows, entries) = check(&cluster).await;
    assert!(rows > 0);
    assert_eq!(entries, rows * 2, "two indexes");
    drop(session);
    cluster.stop().await;
}

/// The same of columns that are computed from what the writers change: virtual ones that get an index, added before and
/// together with it, one over another, and a stored one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_columns_and_their_indexes_stay_true_under_writers() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    must(
        &mut session,
        "create database d; use d; create table t (id bigint primary key, a bigint, b varchar(60), \
         twice bigint as (a * 2))",
    )
    .await;
    for start in (1..=ROWS).step_by(100) {
        let rows: Vec<String> = (start..start + 100).map(|id| format!("({id}, {}, 'r')", id % 50)).collect();
        must(&mut session, &format!("insert into t (id, a, b) values {}", rows.join(","))).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let session = cluster.session(writer + 2).expect("opens");
            tokio::task::spawn(write(session, writer, Arc::clone(&stop)))
        })
        .collect();
    must(&mut session, "create index twice on t (twice)").await;
    must(
        &mut session,
        "alter table t add column named varchar(80) as (concat(b, '-', twice)) after twice, \
         add column kept bigint as (twice + id) stored, add index named (named), add unique key kept (kept, id)",
    )
    .await;
    check(&cluster).await;
    must(&mut session, "alter table t drop index twice, drop column named, add index both_of (twice, kept)")
        .await;
    stop.store(true, Ordering::Release);
    for writer in writers {
        assert!(writer.await.expect("the writer ends") > 0, "every writer wrote");
    }
    let (rows, entries) = check(&cluster).await;
    assert!(rows > 0);
    assert_eq!(entries, rows * 2, "two indexes");
    let wrong = "select count(*) from t where not kept <=> a * 2 + id or not twice <=> a * 2";
    let found = crate::pushdown::run(&mut session, wrong).await;
    assert_eq!(found, ["0"], "every row holds what its columns say");
    must(&mut session, "admin check table t").await;
    drop(session);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_waits_for_transactions_that_know_the_table_without_it() {
    let cluster = Cluster::start().await;
    let mut ddl = cluster.session(1).expect("opens");
    let mut writer = cluster.session(2).expect("opens");
    must(&mut ddl, "create database d; use d; create table t (id int primary key, a int)").await;
    must(&mut writer, "use d; begin; insert into t values (1, 5)").await;
    let altering = tokio::task::spawn(async move {
        must(&mut ddl, "create index ia on t (a)").await;
        ddl
    });
    // The first state is published at once; the DDL then waits for the transaction.
    while cluster.instance.infoschema().table("d", "t").expect("exists").indexes.len() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!altering.is_finished());
    must(&mut writer, "commit").await;
    let ddl = altering.await.expect("the DDL ends");
    let (rows, entries) = check(&cluster).await;
    assert_eq!((rows, entries), (1, 1));
    drop((ddl, writer));
    cluster.stop().await;
}

/// A node dies in the middle of a backfill: the next one goes on where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_goes_on_after_a_crash() {
    const BATCHES: usize = 12;
    const BATCH_ROWS: usize = 256;
    let mut cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    must(
        &mut session,
        "create database d; use d; create table crashed (id int primary key, a int, b varchar(20))",
    )
    .await;
    let rows: Vec<String> =
        (0..BATCHES * BATCH_ROWS).map(|id| format!("({id},{},'b{id}')", id % 50)).collect();
    for some in rows.chunks(512) {
        must(&mut session, &format!("insert into crashed values {}", some.join(","))).await;
    }
    // After the third batch the node's work stops where it is, as if it were gone.
    let (reached, third) = tokio::sync::oneshot::channel();
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let stop = parking_lot::Mutex::new((0, Some(reached), gate));
    let batches = rutile_kv_env::failpoint::arm("ddl::backfill::after_batch_of::crashed", move || {
        let mut stop = stop.lock();
        stop.0 += 1;
        if stop.0 == 3
            && let Some(reached) = stop.1.take()
        {
            let _ = reached.send(());
            let _ = stop.2.recv();
        }
        None
    });
    let ddl = tokio::spawn(async move {
        run(&mut session, "alter table crashed add index (a), add unique (b)").await.map(drop)
    });
    third.await.expect("three batches are written");
    ddl.abort();
    drop(release);
    let _ = ddl.await;
    let before = batches.hits();
    assert!(before < BATCHES, "{before} batches were written already");
    let mut watcher = cluster.session(3).expect("opens");
    let jobs = crate::pushdown::run(&mut watcher, "admin show ddl jobs").await;
    let cells: Vec<&str> = jobs.first().expect("the job is there").split(" | ").collect();
    assert_eq!(cells[1..5], ["d", "crashed", "add index", "write reorganization"], "{jobs:?}");
    let rows: usize = cells[7].parse().expect("ROW_COUNT");
    assert!((3 * BATCH_ROWS..BATCHES * BATCH_ROWS).contains(&rows), "{jobs:?}");
    watcher.close().await;
    cluster.restart_sql().await;
    let mut session = cluster.session(2).expect("opens");
    loop {
        let schema = cluster.instance.infoschema();
        if schema.table("d", "crashed").expect("exists").public_indexes().count() == 3 {
            break;
        }
        tokio::task::yield_now().await;
    }
    // The last batch of a full table is an empty one.
    assert!(batches.hits() <= BATCHES + 2, "{} batches for {BATCHES}", batches.hits());
    drop(batches);
    let (rows, entries) = check_table(&cluster, "crashed").await;
    assert_eq!((rows, entries), (BATCHES * BATCH_ROWS, 2 * BATCHES * BATCH_ROWS));
    must(&mut session, "use d; select * from crashed where b = 'b7'; admin check table crashed").await;
    session.close().await;
    cluster.stop().await;
}
