//! ALTER TABLE while sessions write: afterwards every row has its index entries and every entry its row.

#![expect(clippy::disallowed_methods, reason = "clients of the SQL layer run outside of its environment")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cluster::Cluster;
use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_sql::codec::table_row::decode_row;
use rutile_sql::codec::{Handle, index_entry, record_key};
use rutile_sql::{Outcome, Script, Session, SqlError};

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
    let schema = cluster.instance.infoschema();
    let table = schema.table("d", "t").expect("exists");
    let timestamp = cluster.client.timestamp().await.expect("a timestamp");
    let snapshot = cluster.client.snapshot(timestamp);
    let mut expected = BTreeMap::new();
    let mut rows = 0;
    let mut scanner = snapshot.scan(record_key::record_range(table.id), ScanOptions::default());
    while let Some((key, stored)) = scanner.next().await.expect("readable") {
        let (_, suffix) = record_key::split_record_key(&key).expect("a record key");
        let handle = Handle::from_record_suffix(suffix, table.is_common_handle()).expect("a handle");
        let row = decode_row(table, &handle, &stored).expect("a row");
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
