//! Reads that followers serve, through a SQL server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use crate::process::{Cluster, Process};
use crate::sql_nodes::session;

const ROWS: u64 = 300;
/// A read is answered within this time after a store was killed.
const OUTAGE_MAX: Duration = Duration::from_secs(15);

/// Requests that followers answered to a SQL server.
fn follower_reads(server: &Process) -> u64 {
    let mut page = TcpStream::connect(&server.ports["status"]).expect("listens");
    page.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("takes it");
    let mut answer = String::new();
    page.read_to_string(&mut answer).expect("answers");
    let line = answer.lines().find(|line| line.starts_with("rutile_follower_reads_total"));
    let number = line.and_then(|line| line.rsplit(' ').next()).expect("the counter is there");
    number.parse::<f64>().expect("a number") as u64
}

/// A point, a range and an aggregate, each of which must see all of what was committed before.
async fn read_all(connection: &mut Conn, round: u64) {
    let point: Option<u64> =
        connection.query_first(format!("SELECT v FROM t WHERE id = {}", round % ROWS)).await.expect("a row");
    assert_eq!(point, Some(round), "a point");
    let range: Vec<u64> =
        connection.query("SELECT v FROM t WHERE id BETWEEN 10 AND 14").await.expect("five rows");
    assert_eq!(range, [round; 5], "a range");
    let sum: Option<u64> =
        connection.query_first("SELECT CAST(SUM(v) AS UNSIGNED) FROM t").await.expect("a sum");
    assert_eq!(sum, Some(round * ROWS), "an aggregate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_serve_what_was_committed_before() {
    let mut cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    cluster.add_sql(&[]);
    cluster.add_sql(&[]);
    let mut writer = session(&cluster.sql[0]).await;
    let mut reader = session(&cluster.sql[1]).await;
    writer.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT)").await.expect("new");
    let rows: Vec<String> = (0..ROWS).map(|id| format!("({id}, 0)")).collect();
    writer.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).await.expect("inserts");
    let refused =
        reader.query_drop("SET rutile_replica_read = 'closest-replicas'").await.expect_err("is not there");
    assert!(matches!(&refused, mysql_async::Error::Server(error) if error.code == 1231), "{refused}");
    read_all(&mut reader, 0).await;
    assert_eq!(follower_reads(&cluster.sql[1]), 0, "leaders serve unless told otherwise");

    reader.query_drop("SET rutile_replica_read = 'follower'").await.expect("sets");
    for round in 1..=20 {
        writer.query_drop(format!("UPDATE t SET v = {round}")).await.expect("writes");
        read_all(&mut reader, round).await;
    }
    let served = follower_reads(&cluster.sql[1]);
    assert!(served > 30, "only {served} reads of 60 were served by followers");
    // Own writes show, and locking reads go to the leader.
    reader.query_drop("BEGIN").await.expect("begins");
    reader.query_drop("UPDATE t SET v = 1000 WHERE id = 3").await.expect("writes");
    let own: Option<u64> = reader.query_first("SELECT v FROM t WHERE id = 3").await.expect("a row");
    assert_eq!(own, Some(1000));
    reader.query_drop("ROLLBACK").await.expect("rolls back");

    let resolved = cluster
        .until("a resolved timestamp of all stores", |cluster| {
            cluster.ask(&["min-resolved-ts"])["min_resolved_ts"].as_u64().filter(|resolved| *resolved > 0)
        })
        .await;
    let now = cluster.client().await.timestamp().await.expect("PD answers").into_inner();
    assert!(resolved < now, "{resolved} and {now}");

    // A store that dies is missed for a moment, by leaders of its regions and by readers of its followers.
    cluster.stores[2].kill();
    let killed = cluster.env.clock.now();
    for round in 21..=40 {
        writer.query_drop(format!("UPDATE t SET v = {round}")).await.expect("writes go on");
        let before = cluster.env.clock.now();
        read_all(&mut reader, round).await;
        assert!(cluster.env.clock.now().saturating_since(before) < OUTAGE_MAX, "round {round} took long");
    }
    let after = follower_reads(&cluster.sql[1]);
    assert!(after > served, "followers that are left serve on");
    println!("{served} reads by followers, {after} at the end, {:?}", cluster.env.clock.now() - killed);
}
