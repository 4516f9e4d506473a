//! EXPLAIN over a real store in this process: the access path, what is pushed down, and EXPLAIN ANALYZE's
//! row counts.

use crate::cluster::Cluster;
use bytes::Bytes;
use rutile_sql::{Outcome, Rows, Script, Session};
use rutile_sql_types::Value;

async fn run(session: &mut Session, sql: &str) -> Vec<Vec<String>> {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let mut shown = Vec::new();
    while let Some(statement) = session.next_statement(&mut script).expect("parses") {
        let outcome = session.execute(&statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let Outcome::Rows(result) = outcome else {
            continue;
        };
        let Rows::Values(rows) = result.rows else {
            panic!("{sql} streams");
        };
        shown.extend(rows.into_iter().map(|row| {
            row.into_iter()
                .map(|value| match value {
                    Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
        }));
    }
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_paths_and_pushdown() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    for sql in [
        "create database test",
        "use test",
        "create table t(id int primary key, k int, c varchar(20), key kk(k))",
        "insert into t values (1, 10, 'a'), (2, 20, 'b'), (3, 20, 'c')",
    ] {
        run(&mut session, sql).await;
    }
    // What needs no plan shows its own operators; the others, as they run with a plan, follow.
    let read: [(&str, &[&str]); 3] = [
        (
            "explain select c from t where id = 2",
            &[
                "ShortRead_1|root||",
                "└─Projection_2|root||c",
                "  └─Selection_3|root||(id = 2)",
                "    └─PointGet_4|kv|table:t|range: id in {2}",
            ],
        ),
        (
            "explain select c from t where k = 20 and c > 'b'",
            &[
                "ShortRead_1|root||",
                "└─Projection_2|root||c",
                "  └─Selection_3|root||(k = 20) AND (c > 'b')",
                "    └─IndexRangeScan_4|kv|table:t, index:kk(k)|range: k in {20}",
            ],
        ),
        (
            "explain select id from t order by id desc limit 2",
            &[
                "ShortRead_1|root||",
                "└─Limit_2|root||offset:0, count:2",
                "  └─Sort_3|root||id DESC",
                "    └─Projection_4|root||id",
                "      └─TableFullScan_5|kv|table:t|descending, ends after 2 rows",
            ],
        ),
    ];
    for (sql, expected) in read {
        let plan: Vec<String> = run(&mut session, sql)
            .await
            .into_iter()
            .map(|row| format!("{}|{}|{}|{}", row[0], row[2], row[3], row[4]))
            .collect();
        assert_eq!(plan, expected, "{sql}");
    }
    let analyzed = run(&mut session, "explain analyze select c from t where k = 20").await;
    assert_eq!(analyzed[0][2], "2", "two rows came out of {analyzed:?}");
    session.plan_every_query(true);
    let cases: [(&str, &[&str]); 4] = [
        (
            "explain select c from t where id = 2",
            &[
                "TableReader_1|root||columns:c",
                "└─Selection_2|kv||(id = 2)",
                "  └─PointGet_3|kv|table:t|range: id in {2}",
            ],
        ),
        (
            "explain select c from t where k = 20 and c > 'b'",
            &[
                "IndexLookUp_1|root||columns:c",
                "└─Selection_2|root||(k = 20) AND (c > 'b')",
                "  └─IndexRangeScan_3|kv|table:t, index:kk(k)|range: k in {20}",
            ],
        ),
        (
            "explain select id from t where id between 2 and 9",
            &[
                "TableReader_1|root||columns:id",
                "└─Selection_2|kv||between(id, 2, 9)",
                "  └─TableRangeScan_3|kv|table:t|range: id in {[2,9]}",
            ],
        ),
        (
            "explain select id from t limit 2",
            &[
                "└─TableReader_2|root||columns:id",
                "  └─Limit_3|kv||count:2",
                "    └─TableFullScan_4|kv|table:t|",
            ],
        ),
    ];
    for (sql, expected) in cases {
        let plan: Vec<String> = run(&mut session, sql)
            .await
            .into_iter()
            // The final limit is DataFusion's own operator and its own text.
            .filter(|row| !row[0].contains("Limit_") || row[2] == "kv")
            .map(|row| format!("{}|{}|{}|{}", row[0], row[2], row[3], row[4]))
            .collect();
        assert_eq!(plan, expected, "{sql}");
    }
    let analyzed = run(&mut session, "explain analyze select c from t where k = 20").await;
    assert_eq!(analyzed[0][2], "2", "two rows came out of {analyzed:?}");
    session.close().await;
    cluster.stop().await;
}
