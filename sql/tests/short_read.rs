//! Queries that run without a plan answer as they do with one: each statement runs both ways over the same rows,
//! committed and as the transaction's own writes.

use crate::cluster::Cluster;
use bytes::Bytes;
use futures::StreamExt;
use rutile_sql::{Outcome, ResultSet, Rows, Script, Session, SqlError};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, TimeZone, Value, format_text};

const TABLES: &[&str] = &[
    "create database test",
    "use test",
    "create table t(id int primary key, k int, c varchar(20), d decimal(8,2), f double, e enum('x','y','z'), \
     at datetime, key kk(k), unique key kc(c))",
    "create table p(a int, b varchar(10), v int, primary key(a, b))",
    "create table u(id bigint unsigned primary key, v int)",
    "create table big(id int primary key, v int)",
];

const ROWS: &[&str] = &[
    "insert into t values (1, 10, 'a', 1.50, 0.5, 'x', '2024-01-01 00:00:00'), \
     (2, 20, 'B', -2.25, -0.0, 'y', null), (3, 20, 'b2', null, 0.0, 'z', '2023-05-06 07:08:09'), \
     (4, null, null, 7.00, null, null, '2024-01-01 00:00:00'), (5, 30, null, 7.00, 1e10, 'x', null), \
     (-6, 30, 'Z', 0.00, 3.25, 'y', '1999-12-31 23:59:59')",
    "insert into p values (1, 'a', 1), (1, 'B', 2), (1, 'c', 3), (2, 'a', 4), (2, 'b', 5), (3, 'A', 6)",
    "insert into u values (1, 1), (2, 2), (9223372036854775807, 3), (9223372036854775808, 4), (18446744073709551615, 5)",
];

/// Changes of the transaction over committed rows.
const CHANGES: &[&str] = &[
    "update t set k = 21, c = 'bb' where id = 2",
    "delete from t where id = 3",
    "insert into t values (7, 20, 'new', 3.00, 2, 'z', null)",
    "delete from p where a = 1 and b = 'c'",
];

const QUERIES: &[&str] = &[
    "select * from t where id = 2",
    "select c, id + k, upper(c) from t where id = 2",
    "select c from t where id = 99",
    "select c from t where id in (3, 1, 99, 1, -6)",
    "select c from t where id in (3, 1, 2) and k = 20",
    "select c from t where id between 2 and 4",
    "select c from t where id between 4 and 2",
    "select c from t where id between 2 and 4 limit 1",
    "select sum(k) from t where id between 1 and 5",
    "select sum(k), avg(d), min(c), max(c), count(*), count(k), count(distinct k), sum(f), max(at), min(e) from t where id between -10 and 10",
    "select sum(k), count(*), max(c) from t where id between 50 and 60",
    "select sum(distinct k), avg(distinct k) from t where id between -10 and 10",
    "select bit_or(k), std(k), group_concat(c order by c) from t where id between 1 and 2",
    "select c from t where id between -10 and 10 order by c",
    "select c, id from t where id between -10 and 10 order by c desc, id",
    "select id from t where id between -10 and 10 order by d, id desc",
    "select id from t where id between -10 and 10 order by f, id",
    "select id from t where id between -10 and 10 order by e desc, id",
    "select id from t where id between -10 and 10 order by at, id",
    "select distinct c from t where id between -10 and 10 order by c",
    "select distinct k, e from t where id between -10 and 10 order by k, e",
    "select k, count(*), sum(d) from t where id between -10 and 10 group by k order by k",
    "select k, count(*) from t where id between -10 and 10 group by k having count(*) > 1 order by k",
    "select id from t order by id limit 2",
    "select id from t order by id desc limit 2",
    "select id from t order by id desc limit 2 offset 1",
    "select id, c from t where id > 1 order by id limit 2",
    "select id, c from t where id < 4 order by id desc limit 2",
    "select id from t where id > 0 and k = 20 order by id limit 1",
    "select id from t where k = 20 order by id",
    "select id from t where k in (10, 30) order by id",
    "select id from t where k is null",
    "select id from t where k between 15 and 25 order by id",
    "select id from t where c = 'B'",
    "select id from t where c = 'b'",
    "select id from t where c is null order by id",
    "select id from t where c in ('a', 'z', 'nothing') order by id",
    "select v from p where a = 1 and b = 'b'",
    "select v from p where a = 1 order by b",
    "select v from p where a = 1 order by a desc, b desc limit 2",
    "select v from p order by a, b limit 3",
    "select v from p where (a = 1 and b = 'a') or (a = 2 and b = 'b') order by v",
    "select v from p where a in (1, 3) order by b, v",
    "select v from u where id = 18446744073709551615",
    "select v from u where id in (1, 9223372036854775808) order by v",
    "select v from u order by id limit 2",
    "select v from u order by id desc limit 3",
    "select v from u where id > 2 order by id limit 2",
    "select 1 from t where id = 1",
    "select count(*) from t where id = 1 and 1 = 0",
    "select * from t limit 3 offset 2",
    "select if(k > 15, 'many', 'few'), case when c is null then 'none' else c end from t where id between 1 and 4",
    "select sum(v), count(*), min(id) from big where id between 1 and 2000",
    "select count(*) from big where id between 500 and 700",
    "select id from big where id between 1 and 2000 order by v desc, id limit 3",
];

async fn run(session: &mut Session, sql: &str) -> Vec<String> {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let mut lines = Vec::new();
    while let Some(statement) = session.next_statement(&mut script).expect("parses") {
        match session.execute(&statement).await {
            Ok(Outcome::Rows(result)) => lines.extend(lines_of(result).await),
            Ok(_) => {}
            Err(error) => lines.push(error_line(&error)),
        }
    }
    lines
}

async fn values(rows: Rows, types: &[FieldType]) -> Result<Vec<Vec<Value>>, SqlError> {
    let mut batches = match rows {
        Rows::Values(rows) => return Ok(rows),
        Rows::Batches(batches) => batches,
    };
    let mut values = Vec::new();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let columns = batch.columns().iter().zip(types);
            values.push(
                columns.map(|(column, ty)| value_at(column.as_ref(), ty, row).expect("typed")).collect(),
            );
        }
    }
    Ok(values)
}

/// The lines of a result; an error that ends it is its only line.
async fn lines_of(result: ResultSet) -> Vec<String> {
    let types: Vec<FieldType> = result.columns.iter().map(|column| column.ty.clone()).collect();
    match values(result.rows, &types).await {
        Ok(rows) => rows.iter().map(|row| shown(row, &types)).collect(),
        Err(error) => vec![error_line(&error)],
    }
}

fn error_line(error: &SqlError) -> String {
    format!("ERROR {}: {}", error.code, error.message)
}

fn shown(row: &[Value], types: &[FieldType]) -> String {
    let cells = row.iter().zip(types).map(|(value, ty)| {
        let mut text = Vec::new();
        match value {
            Value::Null => text.extend_from_slice(b"NULL"),
            value => format_text(value, ty, &mut text, TimeZone::UTC),
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    cells.collect::<Vec<_>>().join(" | ")
}

async fn compare(session: &mut Session, state: &str, wrong: &mut Vec<String>) {
    for sql in QUERIES {
        session.plan_every_query(true);
        let mut planned = run(session, sql).await;
        session.plan_every_query(false);
        let mut read = run(session, sql).await;
        if !sql.contains("order by") {
            planned.sort();
            read.sort();
        }
        // Which rows a LIMIT without ORDER BY keeps is free.
        let same = if sql.contains("limit") && !sql.contains("order by") {
            planned.len() == read.len()
        } else {
            planned == read
        };
        if !same {
            wrong.push(format!("{state}: {sql}\n  planned: {planned:?}\n  read:    {read:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_without_a_plan_agree_with_plans() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    for sql in TABLES {
        assert_eq!(run(&mut session, sql).await, Vec::<String>::new(), "{sql}");
    }
    let rows: Vec<String> = (1..=1500).map(|id| format!("({id}, {})", id % 7)).collect();
    run(&mut session, &format!("insert into big values {}", rows.join(", "))).await;
    let mut wrong = Vec::new();
    run(&mut session, "begin").await;
    for sql in ROWS {
        assert_eq!(run(&mut session, sql).await, Vec::<String>::new(), "{sql}");
    }
    compare(&mut session, "own rows", &mut wrong).await;
    run(&mut session, "commit").await;
    compare(&mut session, "committed rows", &mut wrong).await;
    for isolation in ["repeatable read", "read committed"] {
        run(&mut session, &format!("set session transaction isolation level {isolation}")).await;
        run(&mut session, "begin").await;
        for sql in CHANGES {
            assert_eq!(run(&mut session, sql).await, Vec::<String>::new(), "{sql}");
        }
        compare(&mut session, &format!("changes under {isolation}"), &mut wrong).await;
        run(&mut session, "rollback").await;
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    session.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_common_short_forms_run_without_a_plan() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    for sql in [
        "create database test",
        "use test",
        "create table s(id int primary key auto_increment, k int not null default 0, c char(120) not null, key k_1(k))",
    ] {
        run(&mut session, sql).await;
    }
    for sql in [
        "select c from s where id = 5",
        "select c from s where id between 1 and 100",
        "select sum(k) from s where id between 1 and 100",
        "select c from s where id between 1 and 100 order by c",
        "select distinct c from s where id between 1 and 100 order by c",
        "select id from s order by id desc limit 5",
    ] {
        let plan = run(&mut session, &format!("explain {sql}")).await;
        assert!(plan.first().is_some_and(|top| top.starts_with("ShortRead")), "{sql}: {plan:?}");
    }
    for sql in ["select c from s", "select c from s where c > 'a' limit 5", "select count(*) from s"] {
        let plan = run(&mut session, &format!("explain {sql}")).await;
        assert!(!plan.first().is_some_and(|top| top.starts_with("ShortRead")), "{sql}: {plan:?}");
    }
    session.close().await;
    cluster.stop().await;
}

async fn execute(session: &mut Session, id: u32, parameters: &[(Value, FieldType)]) -> Vec<String> {
    match session.execute_prepared(id, parameters).await {
        Ok(Outcome::Rows(result)) => lines_of(result).await,
        Ok(_) => Vec::new(),
        Err(error) => vec![error_line(&error)],
    }
}

/// Statements with two placeholders, executed with integers, text and NULL, before and after the table changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepared_reads_follow_their_values_and_the_schema() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    for sql in TABLES.iter().chain(ROWS) {
        run(&mut session, sql).await;
    }
    let texts = [
        "select * from t where id = ? or id = ?",
        "select c from t where id between ? and ? order by c",
        "select distinct k, sum(id) from t where id >= ? and id < ? group by k order by k",
        "select id from t where k in (?, ?) order by id",
        "select id from t where d > ? and f < ? and id between -10 and 10 order by id",
        "select id + ? from t where id = ?",
        "select id from t where c = ? or id = ? order by id",
        "select v from u where id in (?, ?) order by v",
        "select id from t where id > ? order by id limit ?",
    ];
    let int = |value: i64| (Value::Int(value), FieldType::bigint());
    let parameters = [
        [int(1), int(4)],
        [int(20), int(30)],
        [int(-6), int(3)],
        [int(4), int(2)],
        [(Value::UInt(u64::MAX), FieldType::ubigint()), int(2)],
        [(Value::text("2"), FieldType::varchar(1, rutile_sql_types::Collation::DEFAULT)), int(3)],
        [(Value::Null, FieldType::null()), int(3)],
        [(Value::Double(1.5), FieldType::double()), int(3)],
    ];
    let mut wrong = Vec::new();
    let mut prepared = Vec::new();
    for text in texts {
        let id = session.prepare(Bytes::from_static(text.as_bytes())).await.expect(text).id;
        prepared.push((text, id));
    }
    for change in [
        "set @nothing = 1",
        "alter table t add column late int not null default 9",
        "set sql_mode = ''",
        "drop index kk on t",
    ] {
        run(&mut session, change).await;
        for (text, id) in &prepared {
            for values in &parameters {
                session.plan_every_query(true);
                let planned = execute(&mut session, *id, values).await;
                session.plan_every_query(false);
                // The second execution finds what the first one kept.
                for round in 1..=2 {
                    let read = execute(&mut session, *id, values).await;
                    let mut sides = [planned.clone(), read];
                    sides.iter_mut().for_each(|side| side.sort());
                    if sides[0] != sides[1] {
                        wrong.push(format!(
                            "{change}; {text} {values:?} round {round}:\n  {:?}\n  {:?}",
                            sides[0], sides[1]
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    session.close().await;
    cluster.stop().await;
}
