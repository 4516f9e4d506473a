//! SQL on stores that are taken for TiKV's: nothing but TiKV's own requests reaches them.

use bytes::Bytes;
use mysql_async::prelude::Queryable as _;
use rutile_kv_client::TransactionOptions;

use crate::pages::metrics;
use crate::process::Cluster;
use crate::sql_nodes::session;

const ROWS: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_runs_on_stores_that_run_no_plans() {
    let mut cluster = Cluster::start(1, &["--region-split-keys", "1000"]);
    cluster.until_replicated(1).await;
    cluster.add_sql_over_tikv();
    let mut connection = session(&cluster.sql[0]).await;
    connection
        .query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, k INT, v VARCHAR(40), KEY by_k (k))")
        .await
        .expect("is made");
    for chunk in (0..ROWS).collect::<Vec<_>>().chunks(1000) {
        let rows: Vec<String> = chunk.iter().map(|id| format!("({id}, {}, 'row {id}')", id % 100)).collect();
        connection.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).await.expect("inserts");
    }

    let groups: Vec<(i64, u64, u64)> = connection
        .query("SELECT k, COUNT(*), MAX(id) FROM t WHERE v LIKE 'row %' GROUP BY k ORDER BY k DESC LIMIT 3")
        .await
        .expect("groups");
    assert_eq!(groups, [(99, 50, 4999), (98, 50, 4998), (97, 50, 4997)]);
    let joined: Option<(u64, u64)> = connection
        .query_first("SELECT COUNT(*), SUM(a.id) FROM t a JOIN t b ON a.id = b.id + 1 WHERE b.k = 7")
        .await
        .expect("joins");
    assert_eq!(joined, Some((50, (0..50).map(|n| n * 100 + 8).sum())));
    let first: Vec<u64> =
        connection.query("SELECT id FROM t WHERE k > 50 ORDER BY v, id LIMIT 2").await.expect("first rows");
    assert_eq!(first, [1051, 1052]);

    // Locks, savepoints and own writes are the client's and TiKV's.
    connection.query_drop("BEGIN").await.expect("begins");
    connection.query_drop("UPDATE t SET k = 1000 WHERE id BETWEEN 10 AND 19").await.expect("updates");
    let own: Option<u64> =
        connection.query_first("SELECT COUNT(*) FROM t WHERE k = 1000").await.expect("own writes");
    assert_eq!(own, Some(10));
    let mut other = session(&cluster.sql[0]).await;
    let busy = other.query_drop("SELECT * FROM t WHERE id = 15 FOR UPDATE NOWAIT").await.expect_err("locked");
    assert!(busy.to_string().contains("3572"), "{busy}");
    let free: Vec<u64> = other
        .query("SELECT id FROM t WHERE id BETWEEN 8 AND 11 FOR UPDATE SKIP LOCKED")
        .await
        .expect("skips what is locked");
    assert_eq!(free, [8, 9]);
    connection.query_drop("COMMIT").await.expect("commits");
    connection.query_drop("ALTER TABLE t ADD INDEX by_v (v)").await.expect("adds an index");
    connection.query_drop("ADMIN CHECK TABLE t").await.expect("index equals table");

    let told = metrics(&cluster.stores[0].address);
    assert_eq!(told.get("rutile_store_coprocessor_requests_total"), Some(&0.0), "{told:?}");
    assert!(told["rutile_store_reads_total"] > 10.0, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_another_database_is_left_alone() {
    let cluster = Cluster::start(1, &[]);
    cluster.until_replicated(1).await;
    let client = cluster.client().await;
    let mut transaction = client.begin(TransactionOptions::default()).await.expect("begins");
    // Where TiDB keeps its catalog.
    transaction
        .put(Bytes::from_static(b"mBootstra\xffpKey\0\0\0\0\xfb\0\0\0\0\0\0\0s"), Bytes::from_static(b"1"));
    transaction.commit().await.expect("commits");
    client.close().await;
    let refused = cluster.refused_sql(&[]);
    let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && problem.contains("another database"), "{problem}");
}
