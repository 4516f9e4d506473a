//! Statements that want more memory than they may have: they end with error 3170, leave nothing behind, and the server
//! goes on.

use crate::cluster::{Cluster, run};
use crate::load::{load_of, session_of};
use bytes::Bytes;
use rutile_sql::memory::MemoryLimit;
use rutile_sql::{InstanceConfig, Session};

async fn must(session: &mut Session, sql: &str) -> usize {
    run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn refused(session: &mut Session, sql: &str) {
    let error = run(session, sql).await.expect_err(sql);
    assert_eq!(error.code, 3170, "{sql}: {error}");
    assert!(error.message.starts_with("Memory capacity of "), "{sql}: {error}");
}

/// 8192 rows of 100 bytes in `t`, eight times as many in none.
async fn filled(session: &mut Session) {
    for sql in [
        "create database test",
        "use test",
        "create table t(id int primary key, k int, c varchar(200))",
        "create table u(id int primary key, k int, c varchar(200), unique key kk(k))",
    ] {
        must(session, sql).await;
    }
    for chunk in 0..16 {
        let rows: Vec<String> = (0..512)
            .map(|row| chunk * 512 + row)
            .map(|id| format!("({id},{},repeat('x', 100))", id % 10))
            .collect();
        must(session, &format!("insert into t values {}", rows.join(","))).await;
    }
}

const HOSTILE: &[&str] = &[
    // What a statement gathers before it writes, and what its transaction has written.
    "insert into u select id, id, c from t",
    "insert into u select a.id * 8192 + b.id, null, a.c from t a, t b",
    "update t set c = concat(c, 'y')",
    "delete from t",
    "select * from t for update",
    // Operators that cannot spill what they hold.
    "select count(*) from (select distinct concat(a.id, b.id), a.c from t a, t b) x",
    "select count(*) from t a join t b on a.c = b.c join t d on d.c = a.c and d.id < a.id + b.id where a.id < 0 or b.k > 20",
    "select length(group_concat(a.c)) from t a, t b",
    "select count(distinct concat(a.id, '-', b.id, a.c)) from t a, t b",
    // Values that grow out of little.
    "select repeat(c, 1000) from t order by c, id",
    "select sum(length(repeat(c, 100000))) from t",
    "select concat(repeat('a', 3000000), repeat('b', 3000000), repeat('c', 3000000), repeat('d', 3000000))",
    "select repeat('a', 3000000), repeat('b', 3000000), repeat('c', 3000000), repeat('d', 3000000)",
    "select repeat('a', 30000) from t limit 8000",
    "insert into u values (1, 1, left(repeat('a', 3000000), 3)), \
     (2, 2, concat(left(repeat('a', 30000000), 3), left(repeat('b', 60000000), 3)))",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_over_its_quota_leaves_nothing_behind() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&mut session).await;
    session.plan_every_query(true);
    must(&mut session, "set group_concat_max_len = 1000000000").await;
    for sql in HOSTILE {
        must(&mut session, "set rutile_mem_quota_query = 800000").await;
        refused(&mut session, sql).await;
        must(&mut session, "set rutile_mem_quota_query = default").await;
        assert_eq!(must(&mut session, "select * from u").await, 0, "{sql}");
        assert_eq!(must(&mut session, "select * from t where length(c) = 100").await, 8192, "{sql}");
        // What was streamed last is counted until the next statement.
        must(&mut session, "do 0").await;
        assert_eq!(cluster.instance.memory().used(), 0, "{sql}");
    }
    // A sort of 40 MB goes to disk instead.
    must(&mut session, "set rutile_mem_quota_query = 24000000").await;
    let sorted = "select a.k, b.id, a.id, a.c from t a, t b where b.id < 40 order by a.k, b.id, a.id";
    assert_eq!(must(&mut session, sorted).await, 40 * 8192);
    session.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_transaction_has_written_counts_until_it_ends() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&mut session).await;
    must(&mut session, "set rutile_mem_quota_query = 1000000").await;
    must(&mut session, "begin").await;
    must(&mut session, "insert into u select id, id, c from t where id < 1000").await;
    let held = cluster.instance.memory().used();
    assert!(held > 200_000, "{held}");
    refused(&mut session, "insert into u select id, id, c from t where id between 1000 and 3500").await;
    assert_eq!(must(&mut session, "select id from u").await, 1000, "the failed statement alone is undone");
    must(&mut session, "savepoint a").await;
    must(&mut session, "set rutile_mem_quota_query = 2000000").await;
    must(&mut session, "insert into u select id, id, c from t where id between 1000 and 1600").await;
    let more = cluster.instance.memory().used();
    assert!(more > held);
    must(&mut session, "rollback to a").await;
    // The locks stay.
    assert!(cluster.instance.memory().used() + 150_000 < more, "{held} {more}");
    must(&mut session, "commit").await;
    assert_eq!(cluster.instance.memory().used(), 0);
    assert_eq!(must(&mut session, "select id from u").await, 1000);
    session.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sessions_together_stay_below_the_limit_of_the_server() {
    let memory = MemoryLimit { server_bytes: 8_000_000 };
    let cluster = Cluster::start_with(InstanceConfig { memory, ..InstanceConfig::default() }).await;
    let mut one = cluster.session(1).expect("opens");
    let mut two = cluster.session(2).expect("opens");
    filled(&mut one).await;
    must(&mut two, "use test").await;
    let large = "insert into u select id, id, c from t where id < 5000";
    must(&mut one, "set @a = repeat('a', 5000000)").await;
    let error = run(&mut two, large).await.expect_err("the variable leaves too little");
    assert_eq!(error.code, 3170, "{error}");
    assert!(error.message.contains("8000000 bytes for 'rutile_server_memory_limit'"), "{error}");
    must(&mut one, "set @a = null").await;
    must(&mut two, large).await;
    // Variables outlive their statements, but not their session.
    must(&mut one, "set @a = repeat('a', 3000000), @b = repeat('b', 3000000)").await;
    refused(&mut one, "set @c = repeat('c', 3000000)").await;
    refused(&mut two, "set @c = repeat('c', 3000000)").await;
    must(&mut one, "set @b = null").await;
    must(&mut one, "set @c = repeat('c', 3000000)").await;
    one.close().await;
    must(&mut two, "set @c = repeat('c', 3000000)").await;
    two.close().await;
    assert_eq!(cluster.instance.memory().used(), 0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepared_statements_are_counted_until_they_are_closed() {
    let memory = MemoryLimit { server_bytes: 8_000_000 };
    let cluster = Cluster::start_with(InstanceConfig { memory, ..InstanceConfig::default() }).await;
    let mut session = cluster.session(1).expect("opens");
    let text = Bytes::from(format!("select '{}'", "x".repeat(1_000_000)));
    let mut prepared = Vec::new();
    let error = loop {
        match session.prepare(text.clone()).await {
            Ok(statement) => prepared.push(statement.id),
            Err(error) => break error,
        }
    };
    assert_eq!((prepared.len(), error.code), (3, 3170), "{error}");
    session.close_prepared(prepared[0]);
    session.prepare(text.clone()).await.expect("fits again");
    session.reset_connection().await.expect("forgets them");
    assert_eq!(cluster.instance.memory().used(), 0);
    session.prepare(text).await.expect("fits");
    session.close().await;
    assert_eq!(cluster.instance.memory().used(), 0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_come_ahead_are_counted_for_all_sessions_together() {
    let memory = MemoryLimit { server_bytes: 8_000_000 };
    let cluster = Cluster::start_with(InstanceConfig { memory, ..InstanceConfig::default() }).await;
    let mut one = cluster.session(1).expect("opens");
    let mut two = cluster.session(2).expect("opens");
    one.hold_long_data(3_000_000).expect("fits");
    assert_eq!(two.hold_long_data(3_000_000).expect_err("the server is full").code, 3170);
    one.hold_long_data(1_000).expect("less always fits");
    two.hold_long_data(3_000_000).expect("fits now");
    assert_eq!(cluster.instance.memory().used(), 3_001_000);
    one.close().await;
    two.close().await;
    assert_eq!(cluster.instance.memory().used(), 0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_ends_when_it_is_too_large_or_killed() {
    let cluster = Cluster::start().await;
    let mut session = session_of(&cluster, 7).await;
    for sql in ["create database test", "use test", "create table t(id int primary key, c varchar(200))"] {
        must(&mut session, sql).await;
    }
    let file = |from: usize| {
        let lines: String = (from..from + 5000).map(|id| format!("{id}\t{}\n", "x".repeat(100))).collect();
        Bytes::from(lines)
    };
    let load = "load data local infile 'f' into table t";
    must(&mut session, "set rutile_mem_quota_query = 1500000").await;
    let mut request = load_of(&mut session, load).await;
    session.load_chunk(&mut request, file(0)).await.expect("fits");
    let error = session.load_chunk(&mut request, file(5000)).await.expect_err("does not fit");
    assert_eq!(error.code, 3170, "{error}");
    drop(request);
    assert_eq!(must(&mut session, "select * from t").await, 0);
    must(&mut session, "set rutile_mem_quota_query = default").await;
    let mut request = load_of(&mut session, load).await;
    session.load_chunk(&mut request, file(0)).await.expect("fits");
    assert!(cluster.instance.processes().kill(7, true));
    let error = session.load_chunk(&mut request, file(5000)).await.expect_err("is killed");
    assert_eq!(error.code, 1317, "{error}");
    drop(request);
    assert_eq!(must(&mut session, "select * from t").await, 0);
    let mut request = load_of(&mut session, load).await;
    session.load_chunk(&mut request, file(0)).await.expect("fits");
    session.finish_load(request).await.expect("commits");
    assert_eq!(must(&mut session, "select * from t").await, 5000);
    must(&mut session, "do 0").await;
    assert_eq!(cluster.instance.memory().used(), 0);
    session.close().await;
    cluster.stop().await;
}

/// An INSERT of rows, its text shorter than its tree would be by far.
fn insert_of(rows: std::ops::Range<usize>) -> String {
    let rows: Vec<String> = rows.map(|id| format!("({id},{},'{}')", id, "x".repeat(40))).collect();
    format!("insert into u values {}", rows.join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_takes_a_few_times_its_text() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    filled(&mut session).await;
    must(&mut session, "alter table u drop key kk").await;
    let text = insert_of(0..20_000);
    // Its text, and what it writes.
    must(&mut session, &format!("set rutile_mem_quota_query = {}", 6 * text.len())).await;
    must(&mut session, &text).await;
    assert_eq!(must(&mut session, "select id from u").await, 20_000);
    must(&mut session, "begin").await;
    must(&mut session, &insert_of(20_000..40_000)).await;
    let held = cluster.instance.memory().used();
    assert!(held > text.len() && held < 6 * text.len(), "{held} of {}", text.len());
    refused(&mut session, &insert_of(40_000..80_000)).await;
    must(&mut session, "rollback").await;
    refused(&mut session, &insert_of(40_000..140_000)).await;
    must(&mut session, "set rutile_mem_quota_query = default").await;
    assert_eq!(must(&mut session, "select id from u").await, 20_000);
    session.close().await;
    assert_eq!(cluster.instance.memory().used(), 0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_later_batches_are_as_those_of_the_first() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    for sql in [
        "create database test",
        "use test",
        "create table g(id int primary key auto_increment, k int default 7, v int as (k + 1))",
    ] {
        must(&mut session, sql).await;
    }
    let rows = |count: usize, row: &dyn Fn(usize) -> String| -> String {
        (0..count).map(row).collect::<Vec<_>>().join(",")
    };
    // Generated values follow one another, also over batches.
    must(&mut session, &format!("insert into g(k) values {}", rows(3000, &|n| format!("({n})")))).await;
    assert_eq!(must(&mut session, "select * from g where id = k + 1 and v = k + 1").await, 3000);
    // An explicit value among those that were reserved is passed over.
    let mixed = |n: usize| if n == 2500 { "(9000,default)" } else { "(null,-1)" }.to_owned();
    must(&mut session, &format!("insert into g(id, k) values {}", rows(3000, &mixed))).await;
    assert_eq!(must(&mut session, "select * from g where id > 9000 and k = -1").await, 499);
    assert_eq!(must(&mut session, "select * from g where id = 9000 and k = 7").await, 1);
    // What is wrong anywhere is found before anything is written.
    for (last, code) in [("(1,2,3)", 1136), ("(nothing,1)", 1054), ("(1)", 1136)] {
        let sql =
            format!("insert into g(id, k) values (1,1),{},{last}", rows(3000, &|_| "(null,1)".to_owned()));
        assert_eq!(run(&mut session, &sql).await.expect_err(last).code, code, "{last}");
    }
    let sql = format!("insert into g(id, v) values {},(1,1)", rows(3000, &|_| "(null,default)".to_owned()));
    assert_eq!(run(&mut session, &sql).await.expect_err("generated").code, 3105);
    let taken = format!("insert into g(id) values {},(1)", rows(3000, &|_| "(null)".to_owned()));
    assert_eq!(run(&mut session, &taken).await.expect_err("is there").code, 1062);
    assert_eq!(must(&mut session, "select * from g").await, 6000);
    session.close().await;
    cluster.stop().await;
}
