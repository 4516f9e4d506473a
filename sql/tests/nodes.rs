//! Two SQL nodes over one storage: AUTO_INCREMENT values and LOCK TABLES.

#![expect(clippy::disallowed_methods, reason = "clients of the SQL layer run outside of its environment")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_sql::cluster::ClusterConfig;
use rutile_sql::{Instance, InstanceConfig, Outcome, Rows, Script, Session, SqlError};
use rutile_sql_types::Value;

use crate::cluster::{Cluster, session_on};

const SOON: Duration = Duration::from_secs(10);

fn member(name: &str) -> InstanceConfig {
    InstanceConfig { cluster: Some(ClusterConfig::new(name.to_owned())), ..InstanceConfig::default() }
}

/// Two nodes and a table `test.t`.
async fn two_nodes() -> (Cluster, Instance) {
    let cluster = Cluster::start_with(member("first")).await;
    let second = cluster.another(member("second")).await;
    let mut session = cluster.session(1).expect("opens");
    must(&mut session, "create database test").await;
    must(&mut session, "create table test.t(id bigint auto_increment primary key, v bigint)").await;
    (cluster, second)
}

async fn stop(cluster: Cluster, second: Instance) {
    second.close();
    second.client().close().await;
    cluster.stop().await;
}

fn on(instance: &Instance, id: u64) -> Session {
    session_on(instance, id).expect("opens")
}

async fn run(session: &mut Session, sql: &str) -> Result<Outcome, SqlError> {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let statement = session.next_statement(&mut script)?.expect("a statement");
    session.execute(&statement).await
}

async fn must(session: &mut Session, sql: &str) -> Outcome {
    run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The id that an INSERT generated, or the first of them.
async fn insert(session: &mut Session, sql: &str) -> u64 {
    match must(session, sql).await {
        Outcome::Ok { last_insert_id, .. } => last_insert_id,
        _ => panic!("{sql}: no rows expected"),
    }
}

async fn fails(session: &mut Session, sql: &str) -> u16 {
    match run(session, sql).await {
        Ok(_) => panic!("{sql}: no error"),
        Err(error) => error.code,
    }
}

/// The values of a query that is answered without a plan, or with one.
async fn values(session: &mut Session, sql: &str) -> Vec<Value> {
    match must(session, sql).await {
        Outcome::Rows(result) => match result.rows {
            Rows::Values(rows) => rows.into_iter().flatten().collect(),
            Rows::Batches(_) => panic!("{sql}: a short answer expected"),
        },
        _ => panic!("{sql}: rows expected"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_values_are_larger_than_explicit_ones_of_another_node() {
    let (cluster, other) = two_nodes().await;
    let (mut first, mut second) = (on(&cluster.instance, 2), on(&other, 2));
    let generate = "insert into test.t(v) values (0)";
    let here = insert(&mut first, generate).await;
    let there = insert(&mut second, generate).await;
    assert_eq!(here, 1);
    // In the middle of what the second node has in hand.
    must(&mut first, &format!("insert into test.t values ({}, 1)", there + 1)).await;
    assert_eq!(insert(&mut second, generate).await, there + 2);
    must(&mut first, &format!("insert into test.t values ({}, 1), ({}, 1)", there + 3, there + 90)).await;
    let beyond = insert(&mut second, "insert into test.t(v) values (0), (0)").await;
    assert!((there + 91..there + 100).contains(&beyond), "{beyond}");
    // Beyond everything.
    must(&mut first, "insert into test.t values (1000000, 1)").await;
    for session in [&mut second, &mut first] {
        assert!(insert(session, generate).await > 1_000_000);
    }
    must(&mut second, "replace into test.t values (2000000, 1)").await;
    assert!(insert(&mut first, generate).await > 2_000_000);
    must(&mut second, "alter table test.t auto_increment = 5000000").await;
    for session in [&mut first, &mut second] {
        assert!(insert(session, generate).await >= 5_000_000);
    }
    let shown = values(&mut first, "show create table test.t").await;
    assert_eq!(shown, values(&mut second, "show create table test.t").await);
    must(&mut first, "truncate table test.t").await;
    assert_eq!(insert(&mut second, generate).await, 1);
    stop(cluster, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_columns_have_room_for_several_nodes_and_restarts() {
    let (mut cluster, other) = two_nodes().await;
    let (mut first, mut second) = (on(&cluster.instance, 2), on(&other, 2));
    must(&mut first, "create table test.tiny(id tinyint auto_increment primary key, v int)").await;
    must(&mut first, "create table test.small(id smallint auto_increment primary key, v int)").await;
    for _ in 0..10 {
        for session in [&mut first, &mut second] {
            must(session, "insert into test.tiny(v) values (0)").await;
            must(session, "insert into test.small(v) values (0)").await;
        }
    }
    drop(first);
    cluster.restart_sql().await;
    let mut first = on(&cluster.instance, 3);
    assert_eq!(insert(&mut first, "insert into test.tiny(v) values (0)").await, 21);
    must(&mut first, "insert into test.small(v) values (0)").await;
    stop(cluster, other).await;
}

/// Generates values until told to stop; none may be anybody else's. Answers how many rows it wrote.
async fn generate(instance: Instance, id: u64, newest: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> u64 {
    let mut session = on(&instance, id);
    must(&mut session, "use test").await;
    let mut rows = 0;
    while !stop.load(Ordering::Acquire) {
        let generated = match rows % 4 {
            0 | 1 => insert(&mut session, "insert into t(v) values (1)").await,
            2 => {
                must(&mut session, "begin").await;
                let generated = insert(&mut session, "insert into t(v) values (1)").await;
                must(&mut session, "commit").await;
                generated
            }
            _ => {
                let outcome = must(&mut session, "insert ignore into t(v) values (1)").await;
                let Outcome::Ok { affected_rows: 1, last_insert_id, .. } = outcome else {
                    panic!("the row was left out");
                };
                last_insert_id
            }
        };
        newest.store(generated, Ordering::Release);
        rows += 1;
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explicit_values_never_make_a_generated_one_a_duplicate() {
    let (cluster, other) = two_nodes().await;
    let (newest, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let generating: Vec<_> = [(&cluster.instance, 11), (&other, 12), (&other, 13)]
        .map(|(node, id)| tokio::spawn(generate(node.clone(), id, Arc::clone(&newest), Arc::clone(&ended))))
        .into();
    let mut explicit = on(&cluster.instance, 10);
    let mut written = 0;
    for step in 0..200_u64 {
        // What others are about to generate, on this node or the other.
        let id = newest.load(Ordering::Acquire) + 1 + step % 3;
        match run(&mut explicit, &format!("insert into test.t values ({id}, 2)")).await {
            Ok(_) => written += 1,
            Err(error) => assert_eq!(error.code, 1062, "{error}"),
        }
        if generating.iter().any(tokio::task::JoinHandle::is_finished) {
            break;
        }
    }
    ended.store(true, Ordering::Release);
    let mut generated = 0;
    for writer in generating {
        generated += writer.await.expect("no value was met twice");
    }
    assert!(written > 0 && generated > 0);
    let count = crate::pushdown::run(&mut explicit, "select count(*) from test.t where v = 1").await;
    assert_eq!(count, [generated.to_string()]);
    stop(cluster, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_tables_are_locked_on_all_nodes() {
    let (cluster, other) = two_nodes().await;
    let (mut first, mut second) = (on(&cluster.instance, 2), on(&other, 2));
    must(&mut second, "use test").await;
    must(&mut first, "use test").await;
    must(&mut second, "set lock_wait_timeout = 1").await;
    must(&mut first, "lock tables t write").await;
    assert_eq!(fails(&mut second, "select * from t where id = 1").await, 1205);
    assert_eq!(fails(&mut second, "insert into t(v) values (1)").await, 1205);
    assert_eq!(fails(&mut second, "lock tables t read").await, 1205);
    must(&mut first, "insert into t values (1, 1)").await;
    // Who waits goes on when the tables are given back.
    must(&mut second, "set lock_wait_timeout = 60").await;
    let waiting = tokio::spawn(async move {
        must(&mut second, "update t set v = 2 where id = 1").await;
        second
    });
    must(&mut first, "unlock tables").await;
    let mut second = tokio::time::timeout(SOON, waiting).await.expect("soon").expect("goes on");

    // Readers share; nobody writes.
    must(&mut second, "set lock_wait_timeout = 1").await;
    must(&mut first, "lock tables t read").await;
    must(&mut second, "select * from t where id = 1").await;
    assert_eq!(fails(&mut second, "update t set v = 3 where id = 1").await, 1205);
    must(&mut second, "lock tables t read").await;
    must(&mut first, "unlock tables").await;
    let mut third = on(&cluster.instance, 3);
    must(&mut third, "use test").await;
    must(&mut third, "set lock_wait_timeout = 1").await;
    assert_eq!(fails(&mut third, "delete from t").await, 1205, "the other reader is left");
    // The end of a connection frees what it held.
    drop(second);
    must(&mut third, "set lock_wait_timeout = 60").await;
    tokio::time::timeout(SOON, must(&mut third, "delete from t")).await.expect("soon");
    stop(cluster, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_waits_for_transactions_of_other_nodes_and_ends_with_its_node() {
    let hasty = |name: &str| {
        let mut config = ClusterConfig::new(name.to_owned());
        (config.lease, config.margin) = (Duration::from_secs(3), Duration::from_millis(500));
        (config.renew, config.tick) = (Duration::from_millis(200), Duration::from_millis(20));
        InstanceConfig { cluster: Some(config), ..InstanceConfig::default() }
    };
    let cluster = Cluster::start_with(hasty("first")).await;
    let other = cluster.another(hasty("second")).await;
    let (mut first, mut second) = (on(&cluster.instance, 2), on(&other, 2));
    must(&mut second, "create database test").await;
    must(&mut second, "create table test.t(id bigint primary key, v bigint)").await;
    must(&mut second, "begin").await;
    must(&mut second, "insert into test.t values (1, 1)").await;
    must(&mut first, "set lock_wait_timeout = 1").await;
    assert_eq!(fails(&mut first, "lock tables test.t write").await, 1205, "a transaction uses it");
    must(&mut first, "set lock_wait_timeout = 60").await;
    let locking = tokio::spawn(async move {
        must(&mut first, "lock tables test.t write").await;
        first
    });
    must(&mut second, "insert into test.t values (2, 2)").await;
    must(&mut second, "commit").await;
    let first = tokio::time::timeout(SOON, locking).await.expect("soon").expect("has the lock");
    must(&mut second, "set lock_wait_timeout = 1").await;
    assert_eq!(fails(&mut second, "insert into test.t values (3, 3)").await, 1205);

    // A node that is not heard of any more holds nothing once its lease is over.
    cluster.instance.close();
    must(&mut second, "set lock_wait_timeout = 60").await;
    tokio::time::timeout(SOON, must(&mut second, "insert into test.t values (3, 3)")).await.expect("soon");
    // Nor does one that comes: it reads what is locked before its first session.
    must(&mut second, "lock tables test.t write").await;
    let third = cluster.another(hasty("third")).await;
    let mut late = on(&third, 2);
    must(&mut late, "set lock_wait_timeout = 1").await;
    assert_eq!(fails(&mut late, "select * from test.t where id = 1").await, 1205);
    drop((first, late));
    third.close();
    third.client().close().await;
    stop(cluster, other).await;
}
