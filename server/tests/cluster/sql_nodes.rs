//! Several SQL servers over one placement driver and three stores: schema changes, transfers, KILL, variables, locked
//! tables, generated values, accounts.

use std::io::Write as _;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, OptsBuilder, Row};
use rutile_kv_env::Env;

use crate::process::{Cluster, Process};
use crate::work::{Progress, Work};

/// Another node sees a schema change within this time of its end.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(50);
const ACCOUNTS: i64 = 20;
const BALANCE: i64 = 100;
/// Rows that a backfill takes a while for.
const ROWS: usize = 12_000;

pub async fn connect(server: &Process, password: Option<&str>) -> Result<Conn, Error> {
    let (host, port) = server.address.rsplit_once(':').expect("host:port");
    let options = OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port.parse().expect("a port"))
        .user(Some("root"))
        .pass(password)
        .prefer_socket(false);
    Conn::new(options).await
}

pub async fn session(server: &Process) -> Conn {
    let mut connection = connect(server, None).await.expect("connects");
    connection.query_drop("CREATE DATABASE IF NOT EXISTS test").await.expect("a database");
    connection.query_drop("USE test").await.expect("is there");
    connection
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Server(error) => error.code,
        _ => 0,
    }
}

async fn two_nodes() -> Cluster {
    let mut cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    cluster.add_sql(&[]);
    cluster.add_sql(&[]);
    cluster
}

/// Transfers between accounts, and rows that an auto-increment numbers, through one node until it is told to stop.
async fn transfers(env: &Env, server: &Process, seed: u64) -> Work {
    let connection = session(server).await;
    Work::start(env, "transfers", 0, |progress| transfer(connection, seed, progress))
}

async fn transfer(mut connection: Conn, mut seed: u64, progress: Progress) {
    while progress.goes_on() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (from, to) = ((seed >> 33) % 20, (seed >> 43) % 20);
        let statements = [
            "BEGIN".to_owned(),
            format!("UPDATE account SET balance = balance - 1 WHERE id = {from}"),
            format!("UPDATE account SET balance = balance + 1 WHERE id = {to}"),
            format!("INSERT INTO log (source, target) VALUES ({from}, {to})"),
            "COMMIT".to_owned(),
        ];
        let mut failed = None;
        for statement in statements {
            if let Err(error) = connection.query_drop(&statement).await {
                failed = Some((statement, error));
                break;
            }
        }
        match failed {
            None => progress.note(),
            // Deadlock, lock wait, and a table that changed under the transaction: the client begins again.
            Some((_, error)) if [1205, 1213, 1412].contains(&code(&error)) => {
                connection.query_drop("ROLLBACK").await.expect("rolls back");
            }
            Some((statement, error)) => panic!("{statement}: {error}"),
        }
    }
}

async fn make_accounts(connection: &mut Conn) {
    connection.query_drop("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT)").await.expect("new");
    let log = "CREATE TABLE log (id BIGINT AUTO_INCREMENT PRIMARY KEY, source BIGINT, target BIGINT)";
    connection.query_drop(log).await.expect("new");
    let rows: Vec<String> = (0..ACCOUNTS).map(|id| format!("({id}, {BALANCE})")).collect();
    let insert = format!("INSERT INTO account VALUES {}", rows.join(", "));
    connection.query_drop(insert).await.expect("inserts");
}

async fn check_table(connection: &mut Conn, table: &str) {
    connection.query_drop(format!("ADMIN CHECK TABLE {table}")).await.expect("clean");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_changes_reach_all_nodes_while_both_write() {
    let mut cluster = two_nodes().await;
    let env = cluster.env.clone();
    let mut first = session(&cluster.sql[0]).await;
    let mut second = session(&cluster.sql[1]).await;
    make_accounts(&mut first).await;
    let here = transfers(&env, &cluster.sql[0], 1).await;
    let there = transfers(&env, &cluster.sql[1], 2).await;
    here.advance(5, PATIENCE).await;
    there.advance(5, PATIENCE).await;

    first.query_drop("ALTER TABLE account ADD COLUMN note VARCHAR(20) DEFAULT 'new'").await.expect("alters");
    let changed = env.clock.now();
    let note: Option<String> =
        second.query_first("SELECT note FROM account WHERE id = 1").await.expect("the column is there");
    assert_eq!(note.as_deref(), Some("new"));
    assert!(env.clock.now().saturating_since(changed) < SEEN_WITHIN, "seen late");
    second.query_drop("ALTER TABLE log ADD INDEX by_source (source)").await.expect("adds an index");
    here.advance(5, PATIENCE).await;
    there.advance(5, PATIENCE).await;
    first.query_drop("ALTER TABLE log ADD UNIQUE KEY by_both (id, target)").await.expect("adds an index");
    second.query_drop("ALTER TABLE account DROP COLUMN note").await.expect("drops the column");
    let gone = first.query_drop("SELECT note FROM account").await.expect_err("the column is gone");
    assert_eq!(code(&gone), 1054);

    let done = here.stop().await + there.stop().await;
    let sum: Option<i64> = second.query_first("SELECT SUM(balance) FROM account").await.expect("a sum");
    assert_eq!(sum, Some(ACCOUNTS * BALANCE));
    let counted: Option<(u64, u64)> =
        first.query_first("SELECT COUNT(*), COUNT(DISTINCT id) FROM log").await.expect("counts");
    assert_eq!(counted, Some((done, done)), "one row for each transfer");
    for table in ["account", "log"] {
        check_table(&mut first, table).await;
        check_table(&mut second, table).await;
    }
    drop((first, second));
    for server in &mut cluster.sql {
        assert!(server.terminate().success(), "an orderly stop");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_owner_leaves_its_job_to_others() {
    let mut cluster = two_nodes().await;
    let env = cluster.env.clone();
    let mut second = session(&cluster.sql[1]).await;
    second.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT)").await.expect("new");
    for chunk in (0..ROWS).collect::<Vec<_>>().chunks(2000) {
        let rows: Vec<String> = chunk.iter().map(|id| format!("({id}, {})", id * 7)).collect();
        second.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).await.expect("inserts");
    }
    let mut first = session(&cluster.sql[0]).await;
    let alter = async move { first.query_drop("ALTER TABLE t ADD INDEX by_v (v)").await };
    let altering = env.spawn.spawn(
        "alter",
        Box::pin(async move {
            // The connection breaks with its server.
            drop(alter.await);
        }),
    );
    let jobs = async |connection: &mut Conn| -> Vec<Row> {
        connection.query("ADMIN SHOW DDL JOBS").await.expect("jobs")
    };
    let started = env.clock.now();
    let in_backfill = |job: &Row| job.get::<i64, _>("ROW_COUNT").is_some_and(|rows| rows > 0);
    while !jobs(&mut second).await.iter().any(in_backfill) {
        assert!(env.clock.now().saturating_since(started) < PATIENCE, "no backfill");
        assert!(!altering.is_finished(), "the backfill was too fast to be met");
    }
    cluster.sql[0].kill();
    // Writers of the other node go on, and maintain the index that is half there.
    second.query_drop("UPDATE t SET v = v + 1 WHERE id < 100").await.expect("writes go on");
    while !jobs(&mut second).await.is_empty() {
        assert!(env.clock.now().saturating_since(started) < PATIENCE, "the job stays");
        env.clock.sleep(LOOK).await;
    }
    // The job goes with the step that makes the index public; every node, the one that ran it too, reads that afterwards.
    let finished = env.clock.now();
    loop {
        let index: Option<Row> =
            second.query_first("SHOW INDEX FROM t WHERE Key_name = 'by_v'").await.expect("indexes");
        if index.is_some() {
            break;
        }
        assert!(env.clock.now().saturating_since(finished) < SEEN_WITHIN, "the index is not there");
    }
    check_table(&mut second, "t").await;
    second.query_drop("ALTER TABLE t ADD COLUMN w INT").await.expect("the next change finds an owner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_variables_and_ids_cross_nodes() {
    let cluster = two_nodes().await;
    let env = cluster.env.clone();
    let mut first = session(&cluster.sql[0]).await;
    let mut second = session(&cluster.sql[1]).await;
    let mut victim = session(&cluster.sql[1]).await;
    let id: u64 = victim.query_first("SELECT CONNECTION_ID()").await.expect("an id").expect("one row");
    assert_ne!(id >> 20, u64::from(first.id()) >> 20, "ids tell their node");
    second.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT)").await.expect("new");
    second.query_drop("INSERT INTO t VALUES (1, 1)").await.expect("inserts");
    second.query_drop("BEGIN").await.expect("begins");
    second.query_drop("UPDATE t SET v = 2 WHERE id = 1").await.expect("locks");
    let waiting = async {
        let killed =
            victim.query_drop("UPDATE t SET v = 3 WHERE id = 1").await.expect_err("it waits until killed");
        assert_eq!(code(&killed), 1317);
    };
    let killing = async {
        let started = env.clock.now();
        loop {
            let rows: Vec<Row> = first.query("SHOW FULL PROCESSLIST").await.expect("a list");
            let shown = rows.iter().any(|row| {
                row.get::<u64, _>("Id") == Some(id)
                    && row
                        .get::<Option<String>, _>("Info")
                        .flatten()
                        .is_some_and(|text| text.starts_with("UPDATE"))
            });
            if shown {
                break;
            }
            assert!(env.clock.now().saturating_since(started) < PATIENCE, "the list lacks the other node");
        }
        first.query_drop(format!("KILL QUERY {id}")).await.expect("there is such a connection");
    };
    tokio::join!(waiting, killing);
    second.query_drop("ROLLBACK").await.expect("rolls back");
    let listed: Option<u64> = first
        .query_first(format!("SELECT COUNT(*) FROM information_schema.cluster_processlist WHERE id = {id}"))
        .await
        .expect("a count");
    assert_eq!(listed, Some(1));
    first.query_drop(format!("KILL {id}")).await.expect("there is such a connection");
    victim.query_drop("SELECT 1").await.expect_err("the connection is gone");
    let unknown = first.query_drop(format!("KILL {id}")).await.expect_err("no such connection");
    assert_eq!(code(&unknown), 1094);

    first.query_drop("SET GLOBAL max_execution_time = 12345").await.expect("sets");
    let set = env.clock.now();
    loop {
        let value: Option<u64> =
            second.query_first("SELECT @@GLOBAL.max_execution_time").await.expect("a value");
        if value == Some(12345) {
            break;
        }
        assert!(env.clock.now().saturating_since(set) < SEEN_WITHIN, "the other node kept {value:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_tables_and_generated_values_are_the_clusters() {
    let mut cluster = two_nodes().await;
    let env = cluster.env.clone();
    let mut first = session(&cluster.sql[0]).await;
    let mut second = session(&cluster.sql[1]).await;
    first.query_drop("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v BIGINT)").await.expect("new");
    for round in 1..=20_u64 {
        second.query_drop("INSERT INTO t (v) VALUES (1)").await.expect("generates");
        let generated = second.last_insert_id().expect("a value");
        // In the middle of what the other server has in hand, and beyond.
        let explicit = generated + 1 + round * 1000 * (round % 2);
        first.query_drop(format!("INSERT INTO t VALUES ({explicit}, 2)")).await.expect("inserts");
        second.query_drop("INSERT INTO t (v) VALUES (1)").await.expect("no value comes twice");
        assert!(second.last_insert_id() > Some(explicit), "{:?} after {explicit}", second.last_insert_id());
    }

    first.query_drop("LOCK TABLES t WRITE").await.expect("locks");
    second.query_drop("SET lock_wait_timeout = 1").await.expect("sets");
    let kept_out = second.query_drop("INSERT INTO t (v) VALUES (3)").await.expect_err("the table is locked");
    assert_eq!(code(&kept_out), 1205);
    // KILL frees what the connection held.
    second.query_drop(format!("KILL {}", first.id())).await.expect("there is such a connection");
    second.query_drop("SET lock_wait_timeout = 60").await.expect("sets");
    second.query_drop("INSERT INTO t (v) VALUES (3)").await.expect("the table is free");

    // So does the end of the server's lease when it is killed.
    let mut first = session(&cluster.sql[0]).await;
    first.query_drop("LOCK TABLES t READ").await.expect("locks");
    let rows: Option<u64> = second.query_first("SELECT COUNT(*) FROM t").await.expect("readers share");
    assert_eq!(rows, Some(61));
    cluster.sql[0].kill();
    let killed = env.clock.now();
    second.query_drop("INSERT INTO t (v) VALUES (4)").await.expect("the table is free in the end");
    assert!(env.clock.now().saturating_since(killed) < PATIENCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_away_serves_nothing_it_is_not_sure_of() {
    let cluster = two_nodes().await;
    let mut first = session(&cluster.sql[0]).await;
    let mut second = session(&cluster.sql[1]).await;
    first.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT)").await.expect("new");
    second.query_drop("BEGIN").await.expect("begins");
    second.query_drop("INSERT INTO t VALUES (1, 1)").await.expect("inserts");
    cluster.sql[1].signal("STOP");
    // Waits for the node, until its lease has ended.
    let altered = first.query_drop("ALTER TABLE t ADD INDEX by_v (v)").await;
    cluster.sql[1].signal("CONT");
    altered.expect("does not wait for a node that is away for good");
    second.query_drop("COMMIT").await.expect_err("it rests on a catalog of long ago");
    let rows: Option<u64> = first.query_first("SELECT COUNT(*) FROM t").await.expect("a count");
    assert_eq!(rows, Some(0));
    check_table(&mut first, "t").await;
    // The node comes again by itself.
    let started = cluster.env.clock.now();
    loop {
        if let Ok(mut again) = connect(&cluster.sql[1], None).await
            && again.query_drop("INSERT INTO test.t VALUES (2, 2)").await.is_ok()
        {
            break;
        }
        assert!(cluster.env.clock.now().saturating_since(started) < PATIENCE, "it does not come again");
        cluster.env.clock.sleep(LOOK).await;
    }
    check_table(&mut first, "t").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_password_is_the_clusters() {
    let mut cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    let open = cluster.refused_sql(&["--host", "0.0.0.0"]);
    let said = String::from_utf8_lossy(&open.stderr).into_owned();
    assert!(!open.status.success() && said.contains("no password"), "{said}");

    cluster.add_sql(&[]);
    drop(session(&cluster.sql[0]).await);
    let (_password, flag) = password_file("open sesame\n");
    cluster.add_sql(&["--host", "0.0.0.0", "--root-password-file", &flag]);
    for server in &cluster.sql {
        assert_eq!(code(&connect(server, None).await.expect_err("the password is asked for")), 1045);
        connect(server, Some("open sesame")).await.expect("the password of the cluster");
    }
    let (_empty, flag) = password_file("\n");
    let taken = cluster.refused_sql(&["--root-password-file", &flag]);
    let said = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(!taken.status.success() && said.contains("take the password"), "{said}");
}

/// A file that goes with the value, and its path.
pub fn password_file(text: &str) -> (tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("writes");
    let path = file.path().display().to_string();
    (file, path)
}
