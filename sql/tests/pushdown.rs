//! Aggregates and first rows at the stores: over many regions, under own writes, and with everything kept in the SQL
//! layer, the answers are the same.

use crate::cluster::Cluster;
use bytes::Bytes;
use futures::StreamExt;
use rutile_sql::codec::Handle;
use rutile_sql::codec::record_key::record_key;
use rutile_sql::{InstanceConfig, Outcome, Rows, Script, Session};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, TimeZone, Value, format_text};

pub async fn run(session: &mut Session, sql: &str) -> Vec<String> {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let statement = session.next_statement(&mut script).expect("parses").expect("a statement");
    let outcome = session.execute(&statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let Outcome::Rows(result) = outcome else {
        return Vec::new();
    };
    let types: Vec<FieldType> = result.columns.iter().map(|column| column.ty.clone()).collect();
    match result.rows {
        Rows::Values(rows) => rows.iter().map(|row| shown(row, &types)).collect(),
        Rows::Batches(mut batches) => {
            let mut lines = Vec::new();
            while let Some(batch) = batches.next().await {
                let batch = batch.unwrap_or_else(|error| panic!("{sql}: {error}"));
                for at in 0..batch.num_rows() {
                    let row: Vec<Value> = batch
                        .columns()
                        .iter()
                        .zip(&types)
                        .map(|(column, ty)| value_at(column.as_ref(), ty, at).expect("a value"))
                        .collect();
                    lines.push(shown(&row, &types));
                }
            }
            lines
        }
    }
}

fn shown(row: &[Value], types: &[FieldType]) -> String {
    let cells = row.iter().zip(types).map(|(value, ty)| {
        if value.is_null() {
            return "NULL".to_owned();
        }
        let mut text = Vec::new();
        format_text(value, ty, &mut text, TimeZone::UTC);
        String::from_utf8_lossy(&text).into_owned()
    });
    cells.collect::<Vec<_>>().join(" | ")
}

/// A table of 3000 rows in five regions.
async fn filled(cluster: &Cluster, session: &mut Session) {
    for sql in [
        "create database test",
        "use test",
        "create table t(id int primary key, k int, d decimal(12,2), f double, c varchar(20), b varbinary(8), \
         u bigint unsigned, at datetime, key kk(k))",
    ] {
        run(session, sql).await;
    }
    let words = ["Apple", "apple", "ÁPPLE", "pear", "Pear ", "quince", "QUINCE"];
    let mut rows = Vec::new();
    for id in 0_i64..3000 {
        let k = if id % 11 == 0 { "null".to_owned() } else { (id * 7 % 40).to_string() };
        let c = if id % 13 == 0 { "null".to_owned() } else { format!("'{}'", words[(id % 7) as usize]) };
        rows.push(format!(
            "({id},{k},{}.{:02},{}.5,{c},'{}',{},'2024-01-{:02} 10:00:00')",
            id * 3 - 2000,
            id % 100,
            id % 17,
            id % 9,
            18_446_744_073_709_551_000_u64 + (id % 600) as u64,
            id % 28 + 1
        ));
    }
    for chunk in rows.chunks(500) {
        run(session, &format!("insert into t values {}", chunk.join(","))).await;
    }
    let schema = cluster.instance.infoschema();
    let table = schema.database("test").expect("exists").tables.get("t").expect("exists").id;
    let keys: Vec<Bytes> =
        [500, 1100, 1101, 2400].map(|id| Bytes::from(record_key(table, &Handle::Int(id)))).to_vec();
    cluster.client.split_region(&keys).await.expect("splits");
}

const QUERIES: &[&str] = &[
    "select count(*), count(k), count(c), sum(k), sum(d), avg(d), avg(k), min(k), max(k), min(c), max(c), \
     min(b), max(u), min(at), sum(f), avg(f) from t",
    "select k, count(*), sum(d), avg(u), min(f), max(c) from t group by k order by k",
    "select c, count(*), min(id), max(at) from t group by c order by c",
    "select c from t group by c order by c",
    "select distinct k % 5, c from t order by 1, 2",
    "select k, sum(d * 2), count(*) from t where id > 700 and c like 'a%' group by k order by k",
    "select upper(c), k + 1, count(*) from t where id between 400 and 2500 group by upper(c), k + 1 order by 1, 2",
    "select count(*) from t where id < 0",
    "select sum(k), max(c), count(*) from t where id < 0",
    "select k, count(*) from t where id < 0 group by k",
    "select k, count(distinct c), sum(distinct d) from t group by k order by k",
    "select k, group_concat(id order by id) from t where id < 60 group by k order by k",
    "select k, std(d), bit_or(id) from t group by k order by k",
    "select id, c from t order by c, id limit 7",
    "select id, k from t order by k desc, id desc limit 10",
    "select id from t order by k is null, d * -1, id limit 3",
    "select id from t where k = 7 order by f desc, id limit 4, 6",
    "select c, k from t order by u desc, id limit 5",
    "select 1 from t order by d limit 4",
    "select max(id) from t where c = 'apple' having count(*) > 1",
    "select a.k, a.n, b.n from (select k, count(*) n from t group by k) a \
     join (select k, max(id) n from t group by k) b on a.k = b.k order by 1",
    "select count(*) from (select id from t order by d desc limit 100) x where id > 2950",
    "select count(*) from (select id from t limit 10) x",
    "select k, avg(d) from t group by k order by avg(d) desc, k limit 5",
    "select id from t where id in (select max(id) from t group by k) order by id",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_the_same_wherever_they_are_made() {
    same_everywhere(Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_the_same_when_plans_travel_as_bytes() {
    let cluster = Cluster::start_apart(InstanceConfig::default()).await;
    same_everywhere(cluster).await;
}

async fn same_everywhere(cluster: Cluster) {
    let mut session = cluster.session(1).expect("opens");
    filled(&cluster, &mut session).await;
    session.plan_every_query(true);
    compare(&mut session).await;
    // Rows of the transaction: new, changed to other groups, and deleted, at both ends of regions.
    run(&mut session, "begin").await;
    run(
        &mut session,
        "insert into t values (-5,1,1.5,2.5,'aPPLE','x',1,'2020-01-01'), (5000,77,9,9,'Zoo','y',2,null)",
    )
    .await;
    run(&mut session, "update t set k = 3, d = d + 100000, c = 'ápple' where id in (499, 500, 1100, 1102)")
        .await;
    run(&mut session, "delete from t where id between 1101 and 1150 or id = 2400").await;
    compare(&mut session).await;
    run(&mut session, "rollback").await;
    let asked = cluster.coprocessor_requests();
    assert!(asked > 10 * QUERIES.len() as u64, "the stores were asked {asked} times");
    session.close().await;
    cluster.stop().await;
}

async fn compare(session: &mut Session) {
    for sql in QUERIES {
        run(session, "set rutile_pushdown = off").await;
        let kept = run(session, sql).await;
        run(session, "set rutile_pushdown = on").await;
        assert_eq!(run(session, sql).await, kept, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_says_what_the_stores_do() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&cluster, &mut session).await;
    session.plan_every_query(true);
    let shape = |lines: Vec<String>| {
        lines
            .into_iter()
            .map(|line| line.split(" | ").map(str::to_owned).collect::<Vec<_>>())
            .filter(|cells| cells.iter().any(|cell| cell == "kv") || cells[0].contains("TableReader"))
            .map(|cells| {
                format!(
                    "{}|{}",
                    cells[0].trim_start_matches([' ', '└', '─', '│', '├']),
                    cells.last().expect("cells")
                )
            })
            .collect::<Vec<_>>()
    };
    let plan = run(&mut session, "explain select c, count(*), sum(d) from t where id > 9 group by c").await;
    assert_eq!(
        shape(plan),
        [
            "TableReader_3|partial groups",
            "PartialAggregate_4|group by:[c], functions:[count(1), sum(d), any_value(c)]",
            "Selection_5|(id > 9)",
            "TableRangeScan_6|range: id in {(9,+inf)}",
        ]
    );
    let plan = run(&mut session, "explain select id from t where k > 3 order by c desc, d limit 10").await;
    let plan = shape(plan);
    assert!(plan[1].ends_with("|c DESC, d, count:10"), "{plan:?}");
    let analyzed = run(&mut session, "explain analyze select count(*) from t where id >= 1000").await;
    let rows = |name: &str| {
        let line =
            analyzed.iter().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{analyzed:#?}"));
        line.split(" | ").nth(2).expect("actRows").to_owned()
    };
    assert_eq!(rows("TableRangeScan"), "2000", "{analyzed:#?}");
    assert_eq!(rows("PartialAggregate"), "4", "one group of each region: {analyzed:#?}");
    let pushed = analyzed.iter().find(|line| line.contains("PartialAggregate")).expect("is there");
    assert!(pushed.contains("time:") && pushed.contains("pages:4"), "{pushed}");
    run(&mut session, "set rutile_pushdown = off").await;
    let plan = run(&mut session, "explain select count(*) from t").await;
    assert!(!plan.iter().any(|line| line.contains("PartialAggregate")), "{plan:?}");
    session.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_rows_stand_in_key_order() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&cluster, &mut session).await;
    session.plan_every_query(true);
    run(&mut session, "begin").await;
    run(&mut session, "insert into t(id, k) values (-1, 5), (3000, 5), (3001, 6)").await;
    run(&mut session, "update t set d = 0 where id in (0, 499, 500, 1100, 2999)").await;
    run(&mut session, "update t set k = 5 where id = 1500").await;
    run(&mut session, "delete from t where id in (2, 1101)").await;
    let ids = run(&mut session, "select id from t").await;
    let expected: Vec<String> =
        (-1..=3001).filter(|id| *id != 2 && *id != 1101).map(|id| id.to_string()).collect();
    assert_eq!(ids, expected);
    let ids: Vec<i64> = run(&mut session, "select id from t where k = 5")
        .await
        .iter()
        .map(|id| id.parse().expect("a number"))
        .collect();
    assert!(ids.is_sorted() && ids.contains(&-1) && ids.contains(&1500) && ids.contains(&3000), "{ids:?}");
    let through_index =
        run(&mut session, "select k, id from t where k between 4 and 6 and d is not null").await;
    let mut sorted: Vec<(i64, i64)> = through_index
        .iter()
        .map(|row| row.split_once(" | ").expect("two columns"))
        .map(|(k, id)| (k.parse().expect("a number"), id.parse().expect("a number")))
        .collect();
    let shown = sorted.clone();
    sorted.sort_unstable();
    assert_eq!(shown, sorted);
    session.close().await;
    cluster.stop().await;
}
