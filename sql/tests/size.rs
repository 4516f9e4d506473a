//! Statements that are large in some way: answered, or refused with MySQL's error, but never the end of the server.
//!
//! The stack is the server's: what recursion takes is part of what is tested.

use rutile_sql::Session;

use crate::cluster::{Cluster, run};

async fn answers(session: &mut Session, sql: &str, rows: usize) {
    let found = run(session, sql).await;
    assert_eq!(found.map_err(|error| error.to_string()), Ok(rows), "{}", &sql[..sql.len().min(80)]);
}

async fn refuses(session: &mut Session, sql: &str, code: u16) {
    let error = run(session, sql).await.expect_err(&sql[..sql.len().min(80)]);
    assert_eq!(error.code, code, "{error}");
}

fn terms(count: usize, operator: &str, term: impl Fn(usize) -> String) -> String {
    (0..count).map(term).collect::<Vec<_>>().join(operator)
}

async fn large_statements() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    for sql in [
        "create database test",
        "use test",
        "create table t (id int primary key, v varchar(10))",
        "insert into t values (1, 'a'), (2, 'b')",
    ] {
        run(session, sql).await.expect(sql);
    }
    let unlike = terms(20_000, " and ", |n| format!("v <> '{n}'"));
    answers(session, &format!("select * from t where {unlike}"), 2).await;
    answers(
        session,
        &format!("select * from t a join t b on a.id = b.id and {}", unlike.replace('v', "b.v")),
        2,
    )
    .await;
    let any = terms(20_000, " or ", |n| format!("v = '{n}'"));
    answers(session, &format!("select * from t where {any}"), 0).await;
    let tables = |count| terms(count, ", ", |n| format!("t t{n}"));
    let same = terms(60, " and ", |n| format!("t{n}.id = t{}.id", n + 1));
    answers(session, &format!("select t0.id from {} where {same}", tables(61)), 2).await;
    refuses(session, &format!("select * from {}", tables(62)), 1116).await;
    let joined = terms(62, " join ", |n| format!("t t{n}"));
    refuses(session, &format!("select * from {joined}"), 1116).await;
    // Each common table reads the one before twice.
    let doubling =
        terms(30, ", ", |n| format!("c{} as (select a.id from c{n} a join c{n} b on a.id = b.id)", n + 1));
    refuses(session, &format!("with c0 as (select id from t), {doubling} select * from c30"), 1116).await;
    let intersected = |count| terms(count, " intersect ", |_| "select 1".to_owned());
    answers(session, &intersected(60), 1).await;
    refuses(session, &intersected(400), 1436).await;
    refuses(session, &intersected(400).replace("intersect", "except"), 1436).await;
    let windows = |count| terms(count, ", ", |n| format!("row_number() over (order by id + {n})"));
    answers(session, &format!("select {} from t", windows(50)), 2).await;
    refuses(session, &format!("select {} from t", windows(500)), 1436).await;
    // What a statement is made of counts as what it gathers does.
    run(session, "set rutile_mem_quota_query = 20000000").await.expect("sets");
    refuses(session, &format!("select * from t where {any}"), 3170).await;
    let list = terms(1_000_000, ",", |n| n.to_string());
    refuses(session, &format!("select * from t where id in ({list})"), 3170).await;
    run(session, "set rutile_mem_quota_query = default").await.expect("sets");
    views_in_views(session).await;
    answers(session, "select count(*) from t", 1).await;
    assert_eq!(cluster.instance.memory().used(), 0, "large statements are gone");
    cluster.stop().await;
}

/// A list of constants is looked into, whatever its length, as a short one is compared.
async fn long_lists() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    for sql in [
        "create database test",
        "use test",
        "create table l (id int primary key, n int unsigned, d decimal(10,2), r double, c varchar(20), b varbinary(20), t datetime, h time, e enum('a','b'))",
        "insert into l values (1, 1, 1.5, 1.5, 'a ', 'a', '2020-01-01', '10:00:00', 'a'), (2, null, 2, 2, 'B', 'B', '2020-01-02', '-10:00:00', 'b'), (3, 4294967295, -0.0, -0e0, 'ß', '', null, null, null)",
    ] {
        run(session, sql).await.expect(sql);
    }
    let lists = [
        "1, 2.0, '3', 4, 5, 6, 7, 8, 9e0, 10",
        "null, 1, 4294967295, 4, 5, -6, 7, 8, 9, 1.50",
        "'A', 'b', 'ss', '1', 'a', '', 'x', 'y', 'z', null",
        "'2020-01-01', 20200102, '10:00:00', '1', 1.5, 0, 'b', 2, 3, 4",
        "id, n, 1, 2, 3, 4, 5, 6, 7, 8",
        "cast('2020-01-01' as date), timestamp'2020-01-02 00:00:00', time'10:00:00', 0, 1, 2, 3, 4, 5, 6",
    ];
    for always in [false, true] {
        session.plan_every_query(always);
        for list in lists {
            for column in ["id", "n", "d", "r", "c", "b", "t", "h", "e", "c collate utf8mb4_bin"] {
                let each: Vec<String> = list.split(", ").map(|item| format!("({column}) = {item}")).collect();
                let (one, other) = (format!("({column}) in ({list})"), each.join(" or "));
                let differs = format!("select * from l where not (({one}) <=> ({other}))");
                answers(session, &differs, 0).await;
            }
        }
    }
    session.plan_every_query(false);
    let long = terms(30_000, ",", |n| format!("'{n}'"));
    answers(session, &format!("select * from l where c not in ({long})"), 3).await;
    let long = terms(30_000, ",", |n| n.to_string());
    answers(session, &format!("select * from l where id in ({long}) and id in ({long}, -1)"), 3).await;
    answers(session, &format!("select * from l where id + 0 in ({long})"), 3).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_looked_into() {
    long_lists().await;
}

/// A view that cannot be read is not made.
async fn views_in_views(session: &mut Session) {
    answers(session, "create view v1 as select * from t", 0).await;
    for n in 2..=64 {
        answers(session, &format!("create view v{n} as select * from v{}", n - 1), 0).await;
    }
    answers(session, "select * from v64", 2).await;
    refuses(session, "create view v65 as select * from v64", 1436).await;
    refuses(session, "select * from v65", 1146).await;
    // Made anew, a view of the chain would be in itself.
    refuses(session, "create or replace view v1 as select * from v2", 1146).await;
    answers(session, "select * from v64", 2).await;
    // One below may be made deeper all the same, and what is above it cannot be read then.
    for n in 1..=3 {
        let inner = if n == 1 { "t".to_owned() } else { format!("w{}", n - 1) };
        answers(session, &format!("create view w{n} as select * from {inner}"), 0).await;
    }
    answers(session, "create or replace view v1 as select * from w3", 0).await;
    refuses(session, "select * from v64", 1436).await;
    answers(session, "select * from v61", 2).await;
}

#[test]
fn large_statements_do_not_end_the_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(rutile_kv_env::THREAD_STACK_BYTES)
        .enable_all()
        .build()
        .expect("a runtime");
    // On a thread of the runtime, whose stack is the one that counts.
    runtime.block_on(runtime.spawn(large_statements())).expect("large statements");
}

/// The session has no limit, the statement has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_limits_the_time_of_a_statement() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    for sql in ["create database test", "use test", "create table t (id int primary key)"] {
        run(session, sql).await.expect(sql);
    }
    let rows = terms(2_000, ", ", |n| format!("({n})"));
    run(session, &format!("insert into t values {rows}")).await.expect("inserts");
    let slow = "select /*+ max_execution_time(50) */ count(*) from t a join t b join t c where a.id + b.id + c.id < 0";
    refuses(session, slow, 3024).await;
    refuses(session, "select /*+ SET_VAR(sort_buffer_size = 1000000) */ 1", 1235).await;
    answers(session, "select /*+ max_execution_time(60000) */ count(*) from t", 1).await;
    cluster.stop().await;
}
