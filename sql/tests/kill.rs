//! KILL and max_execution_time: within a second, whatever the statement is doing.

#![expect(clippy::disallowed_methods, reason = "clients of the SQL layer run outside of its environment")]

use std::time::Duration;

use crate::cluster::{Cluster, run};
use rutile_sql::catalog::SchemaState;
use rutile_sql::cluster::ClusterConfig;
use rutile_sql::{Instance, InstanceConfig, Session, SessionInfo, SqlError};

/// What must be over by then: a second, with room for a busy machine.
const SOON: Duration = Duration::from_secs(3);

async fn must(session: &mut Session, sql: &str) {
    run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn filled(session: &mut Session) {
    for sql in [
        "create database test",
        "use test",
        "create table t(id int primary key, k int, c varchar(20))",
        "create table big(id int primary key, k int, c varchar(20))",
    ] {
        must(session, sql).await;
    }
    let rows: Vec<String> = (0..2000).map(|id| format!("({id},{},'c{id}')", id % 7)).collect();
    must(session, &format!("insert into t values {}", rows.join(","))).await;
    for chunk in 0..10 {
        must(session, &format!("insert into big select id + {} * 2000, k, c from t", chunk)).await;
    }
}

/// Statements that would run for minutes without ever waiting.
const ENDLESS: &[&str] = &[
    "select count(*) from t a, t b, t d, t e",
    "select count(*) from t a join t b on a.id < b.id join t d on d.id < b.id and d.k > a.k + 100",
    "select a.id from t a, t b, t d where a.id + b.id + d.id < -1",
    "select count(*) from t a join t b on a.k = b.k join t d on d.k = a.k join t e on e.k = d.k",
    "select max(a.c) from t a left join t b on a.id + b.id < -5 left join t d on b.id + d.id > a.id * 3",
    "insert into big select -1 - a.id, b.k, d.c from t a, t b, t d where a.id + b.id + d.id < -1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_joins_end_when_they_are_killed_or_out_of_time() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&mut session).await;
    for sql in ENDLESS {
        let killed = tokio::spawn(async move {
            let outcome = run(&mut session, sql).await;
            (session, outcome)
        });
        until_running(&cluster, sql).await;
        assert!(cluster.instance.processes().kill(1, true));
        let (back, outcome) =
            tokio::time::timeout(SOON, killed).await.unwrap_or_else(|_| panic!("{sql}")).expect("ends");
        assert_eq!(outcome.expect_err(sql).code, 1317, "{sql}");
        session = back;
        must(&mut session, "set max_execution_time = 50").await;
        let outcome =
            tokio::time::timeout(SOON, run(&mut session, sql)).await.unwrap_or_else(|_| panic!("{sql}"));
        assert_eq!(outcome.expect_err(sql).code, 3024, "{sql}");
        must(&mut session, "set max_execution_time = 0").await;
    }
    session.close().await;
    cluster.stop().await;
}

/// Waits until the statement of connection 1 is under way.
async fn until_running(cluster: &Cluster, sql: &str) {
    loop {
        let now = rutile_kv_env::Monotonic::from_origin(Duration::ZERO);
        let processes = cluster.instance.processes().snapshot(now);
        if processes.iter().any(|process| process.id == 1 && process.statement.as_deref() == Some(sql)) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Planning this takes seconds: groups of so many keys are made as they are written if all of them are shown.
fn long_to_plan() -> String {
    let keys = (0..1_500).map(|n| format!("k + {n}")).collect::<Vec<_>>().join(", ");
    format!("select {keys} from t group by {keys}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planning_ends_when_it_is_killed_or_out_of_time() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&mut session).await;
    let sql = long_to_plan();
    let statement = sql.clone();
    let killed = tokio::spawn(async move {
        let outcome = run(&mut session, &statement).await;
        (session, outcome)
    });
    until_running(&cluster, &sql).await;
    assert!(cluster.instance.processes().kill(1, true));
    let (mut session, outcome) = tokio::time::timeout(SOON, killed).await.expect("soon").expect("ends");
    assert_eq!(outcome.expect_err("is killed").code, 1317);
    // More than are planned at a time: what is left of the others does not keep these waiting for longer than they may.
    must(&mut session, "set max_execution_time = 100").await;
    for _ in 0..12 {
        let outcome = tokio::time::timeout(SOON, run(&mut session, &sql)).await.expect("soon");
        assert_eq!(outcome.expect_err("out of time").code, 3024);
    }
    must(&mut session, "set max_execution_time = 0").await;
    assert_eq!(run(&mut session, &sql).await, Ok(7), "the next one is planned when there is room");
    assert_eq!(cluster.instance.memory().used(), 0, "nothing is kept for those that were given up");
    session.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_writes_end_when_they_are_killed_and_are_undone() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let mut other = cluster.session(2).expect("opens");
    filled(&mut session).await;
    must(&mut other, "use test").await;
    for sql in
        ["delete from big", "update big set c = concat(c, 'x'), k = k + 1", "create index kk on big(k, c)"]
    {
        let killed = tokio::spawn(async move {
            let outcome = run(&mut session, sql).await;
            (session, outcome)
        });
        until_running(&cluster, sql).await;
        assert!(cluster.instance.processes().kill(1, true));
        let (back, outcome) =
            tokio::time::timeout(SOON, killed).await.unwrap_or_else(|_| panic!("{sql}")).expect("ends");
        assert_eq!(outcome.expect_err(sql).code, 1317, "{sql}");
        session = back;
        let left = crate::pushdown::run(&mut other, "select count(*) from big where c not like '%x'").await;
        assert_eq!(left, ["20000"], "{sql}");
        let schema = cluster.instance.infoschema();
        assert!(
            schema.table("test", "big").expect("exists").indexes.iter().all(|index| index.primary),
            "{sql}"
        );
    }
    session.close().await;
    other.close().await;
    cluster.stop().await;
}

/// A statement under way, which gives its session back with the outcome.
type Running = tokio::task::JoinHandle<(Session, Result<usize, SqlError>)>;

/// Session 1 commits `writes`, among them one to row 7 of `t`, which session 2, the one returned, has locked.
async fn commit_behind_a_lock(cluster: &Cluster, writes: &[&str]) -> (Running, Session) {
    let mut session = cluster.session(1).expect("opens");
    let mut other = cluster.session(2).expect("opens");
    filled(&mut session).await;
    must(&mut other, "use test").await;
    must(&mut session, "set rutile_txn_mode = optimistic").await;
    must(&mut session, "begin").await;
    for sql in writes {
        must(&mut session, sql).await;
    }
    must(&mut other, "begin").await;
    must(&mut other, "select * from t where id = 7 for update").await;
    let committing = tokio::spawn(async move {
        let outcome = run(&mut session, "commit").await;
        (session, outcome)
    });
    until_running(cluster, "commit").await;
    (committing, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waits_for_a_lock_ends_when_it_is_killed() {
    let cluster = Cluster::start().await;
    let (killed, mut other) = commit_behind_a_lock(&cluster, &["update t set k = -1 where id = 7"]).await;
    assert!(cluster.instance.processes().kill(1, true));
    let (mut session, outcome) = tokio::time::timeout(SOON, killed).await.expect("soon").expect("ends");
    assert_eq!(outcome.expect_err("is killed").code, 1317);
    must(&mut other, "commit").await;
    assert_eq!(run(&mut session, "select * from t where k = -1").await, Ok(0));
    must(&mut session, "update t set k = -2 where id = 7").await;
    session.close().await;
    other.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_outlives_its_client() {
    let cluster = Cluster::start().await;
    let writes = ["update t set k = -1 where id = 7", "insert into t values (-7, -1, 'new')"];
    let (committing, mut other) = commit_behind_a_lock(&cluster, &writes).await;
    cluster.instance.processes().abandon(1);
    must(&mut other, "commit").await;
    let (session, outcome) = tokio::time::timeout(SOON, committing).await.expect("soon").expect("ends");
    assert_eq!(outcome, Ok(0), "it waited for the lock, and went on");
    session.close().await;
    assert_eq!(run(&mut other, "select * from t where k = -1").await, Ok(2));
    // A statement that is no COMMIT ends with its client.
    let mut session = cluster.session(1).expect("opens");
    must(&mut session, "use test").await;
    let sql = ENDLESS[0];
    let ended = tokio::spawn(async move { run(&mut session, sql).await });
    until_running(&cluster, sql).await;
    cluster.instance.processes().abandon(1);
    let outcome = tokio::time::timeout(SOON, ended).await.expect("soon").expect("ends");
    assert_eq!(outcome.expect_err("ends").code, 1317);
    other.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_gives_up_waiting_leaves_nothing_in_the_way() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let mut other = cluster.session(2).expect("opens");
    filled(&mut session).await;
    must(&mut other, "use test").await;
    must(&mut other, "begin").await;
    must(&mut other, "insert into t values (-1, -1, 'open')").await;
    must(&mut session, "set lock_wait_timeout = 1").await;
    for sql in ["alter table t add unique key kk (c)", "create index kk on t(k)", "alter table t add x int"] {
        let outcome =
            tokio::time::timeout(SOON, run(&mut session, sql)).await.unwrap_or_else(|_| panic!("{sql}"));
        assert_eq!(outcome.expect_err(sql).code, 1205, "{sql}");
    }
    must(&mut session, "create table w(id int primary key)").await;
    must(&mut session, "insert into t values (-2, -2, 'goes on')").await;
    must(&mut other, "commit").await;
    must(&mut session, "create index kk on t(k)").await;
    assert_eq!(run(&mut session, "select * from t use index (kk) where k < 0").await, Ok(2));
    session.close().await;
    other.close().await;
    cluster.stop().await;
}

/// An ALTER TABLE of one of several SQL nodes that is given up in the middle does not wait for the statements it met there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_among_nodes_is_given_up_at_once() {
    let alone = ClusterConfig::new("one:4000".to_owned());
    let cluster =
        Cluster::start_with(InstanceConfig { cluster: Some(alone), ..InstanceConfig::default() }).await;
    let beside = ClusterConfig::new("two:4000".to_owned());
    let second = cluster.another(InstanceConfig { cluster: Some(beside), ..InstanceConfig::default() }).await;
    let mut session = cluster.session(1).expect("opens");
    filled(&mut session).await;
    let info = SessionInfo { connection_id: 2, charset_id: 255, ..SessionInfo::default() };
    let mut other = second.session(info).expect("opens");
    must(&mut other, "use test").await;
    let sql = "create index kk on big(k, c)";
    let killed = tokio::spawn(async move {
        let outcome = run(&mut session, sql).await;
        (session, outcome)
    });
    let on_its_way = |instance: &Instance| {
        let schema = instance.infoschema();
        schema.table("test", "big").is_some_and(|table| {
            table.indexes.iter().any(|index| index.state == SchemaState::WriteReorganization)
        })
    };
    while !on_its_way(&second) {
        tokio::task::yield_now().await;
    }
    must(&mut other, "begin").await;
    must(&mut other, "insert into big values (-1, -1, 'met')").await;
    assert!(cluster.instance.processes().kill(1, true));
    let (mut session, outcome) = tokio::time::timeout(SOON, killed).await.expect("soon").expect("ends");
    assert_eq!(outcome.expect_err("is killed").code, 1317);
    must(&mut session, "set lock_wait_timeout = 1").await;
    let next = tokio::time::timeout(SOON, run(&mut session, "alter table t add x int")).await.expect("soon");
    assert_eq!(next.expect_err("the one before is not undone yet").code, 1205);
    must(&mut other, "commit").await;
    must(&mut session, "set lock_wait_timeout = default").await;
    must(&mut session, "alter table t add x int").await;
    let schema = cluster.instance.infoschema();
    assert!(schema.table("test", "big").expect("exists").indexes.iter().all(|index| index.primary));
    assert_eq!(run(&mut session, "select * from big where k = -1").await, Ok(1));
    other.close().await;
    session.close().await;
    second.leave().await.expect("leaves");
    second.close();
    cluster.stop().await;
}
