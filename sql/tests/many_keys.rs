//! ORDER BY and GROUP BY of thousands of keys: the answers of few, in a time that grows as their number does.
//!
//! What a few keys give is recorded from MySQL elsewhere; here they stand behind thousands that decide nothing, or that
//! decide the same.

#![expect(clippy::disallowed_methods, reason = "clients of the SQL layer run outside of its environment")]

use std::time::{Duration, Instant};

use rutile_sql::Session;

use crate::cluster::{Cluster, run};
use crate::pushdown::run as rows;

const KEYS: usize = 2_000;
/// Enough to be many; rows that are sorted without a plan know no such bound.
const MANY: usize = 300;

async fn filled(session: &mut Session) {
    for sql in [
        "create database test",
        "use test",
        "create table k (id int primary key, n int, d decimal(12,3), r double, c varchar(20), b varbinary(20), \
         t datetime, e enum('z','y','x'))",
        "insert into k values (1, 3, 1.500, 0.0, 'b', 'B', '2020-01-01', 'x'), (2, null, -1.5, -0e0, 'B', 'b', null, 'z'), \
         (3, 3, null, 1e300, 'ä', null, '2019-01-01', null), (4, -7, 0, -1e300, 'a', '', '2020-01-01', 'y'), \
         (5, 0, 1.5, null, 'A', 'a', '2020-01-01 00:00:01', 'x'), (6, null, 2, 0, null, 'ab', null, 'z'), \
         (7, 3, -1.5, 1, 'ß', 'aB', '1999-12-31', 'y'), (8, 2147483647, 999999999.999, 2, 'ss', 'zz', '9999-12-31', 'y'), \
         (9, -2147483648, -999999999.999, -2, 'z ', 'zz', '2020-01-01', null), (10, 0, 0, -0e0, '', '', '2020-01-01', 'x')",
        "insert into k select id + 10, n, -d, -r, concat(c, c), reverse(b), t, e from k",
        "insert into k select id + 20, -n, d, r / 3, c, b, t + interval 1 day, e from k where n <> -2147483648",
    ] {
        run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Keys by which all rows are equal, each another one.
fn idle(count: usize) -> String {
    (0..count).map(|n| format!("id - id + {n}")).collect::<Vec<_>>().join(", ")
}

/// Keys by which no two rows are equal that `id` does not tell apart, so only the first of them counts.
fn deciding(count: usize) -> String {
    (0..count).map(|n| format!("id * 3 + {n}")).collect::<Vec<_>>().join(", ")
}

async fn same(session: &mut Session, few: &str, many: &str) {
    let (expected, found) = (rows(session, few).await, rows(session, many).await);
    assert!(expected.len() > 1, "{few}");
    assert_eq!(found, expected, "{few}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_sort_keys_order_as_the_few_that_decide() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    filled(session).await;
    let orders = [
        "n, id",
        "n desc, c, id desc",
        "c desc, r, id",
        "r, d desc, id",
        "r desc, id",
        "b, t desc, id",
        "b desc, id",
        "e, n, id desc",
        "upper(c), length(b) desc, id",
        "t desc, c collate utf8mb4_bin desc, id",
        "d, (select count(*) from k i where i.n = k.n), id",
        "c is null, c, id",
    ];
    for (always, count) in [(false, MANY), (true, KEYS)] {
        let (idle, deciding) = (idle(count), deciding(count));
        session.plan_every_query(always);
        for order in orders {
            let few = format!("select id, n, c, r from k order by {order}");
            same(session, &few, &format!("select id, n, c, r from k order by {idle}, {order}")).await;
            same(session, &few, &format!("select id, n, c, r from k order by {order}, {deciding}")).await;
            let few = format!("select c, id + 1 i from k where id > 3 order by {order} limit 7 offset 3");
            same(session, &few, &few.replace("order by", &format!("order by {idle}, i - i, "))).await;
        }
        let backwards = "select id from k order by id desc";
        same(session, backwards, &format!("{backwards}, {deciding}")).await;
        same(
            session,
            "select id from k order by id * 3 desc",
            &format!("select id from k order by id * 3 desc, {deciding}"),
        )
        .await;
        let again = vec!["n, c desc"; count / 2].join(", ");
        let few = "select n, c, id from k order by n, c desc, id";
        same(session, few, &format!("select n, c, id from k order by {again}, id")).await;
        let few = "select distinct n, e from k order by n desc, e";
        let again = vec!["n desc, e"; count / 2].join(", ");
        same(session, few, &format!("select distinct n, e from k order by {again}")).await;
        let union =
            "select n, c from k where id < 9 union select n, c from k where id > 5 order by n, c desc";
        same(session, union, &format!("{union}, {}", deciding.replace("id", "n"))).await;
        let few = "select n, count(*), max(c) from k group by n order by count(*), n";
        let idle_groups = idle.replace("id", "count(*)");
        same(session, few, &few.replace("order by", &format!("order by {idle_groups},"))).await;
        let few = "select id, row_number() over (order by c, id) w from k order by w desc";
        same(session, few, &few.replace("order by w", &format!("order by {idle}, w"))).await;
    }
    cluster.stop().await;
}

/// A unique key decides only where it is one, for every row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_behind_a_unique_key_count_where_it_is_none() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    filled(session).await;
    for sql in [
        "create table u (a int, b int not null, x int, unique key (a), unique key (b))",
        "insert into u values (null, 1, 9), (null, 2, 8), (null, 3, 7), (1, 4, 6)",
    ] {
        run(session, sql).await.expect(sql);
    }
    let rest = |column: &str| (0..20).map(|n| format!("{column} + {n}")).collect::<Vec<_>>().join(", ");
    for (order, expected) in [
        (format!("a, {}", rest("x")), "3 2 1 4"),
        (format!("b, {}", rest("x")), "1 2 3 4"),
        (format!("x, {}", rest("b")), "4 3 2 1"),
    ] {
        assert_eq!(
            rows(session, &format!("select b from u order by {order}")).await.join(" "),
            expected,
            "{order}"
        );
    }
    let joined = format!(
        "select u.b, k.id from u left join k on k.id = u.x and k.id < 8 order by k.id, {}, u.b desc",
        rest("k.n")
    );
    assert_eq!(rows(session, &joined).await, ["2 | NULL", "1 | NULL", "4 | 6", "3 | 7"], "NULL is no key");
    let totals = format!(
        "select n, sum(id) s from k where n in (0, 3) group by n with rollup order by n, {}, s desc",
        rest("n")
    );
    let few = "select n, sum(id) s from k where n in (0, 3) group by n with rollup order by n, s desc";
    assert_eq!(rows(session, &totals).await, rows(session, few).await);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_group_keys_make_the_groups_of_the_few_that_differ() {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    filled(session).await;
    let idle = idle(MANY);
    for always in [false, true] {
        session.plan_every_query(always);
        for keys in ["n", "c", "n, c", "r", "d, e", "b, t", "upper(c)"] {
            let few =
                format!("select {keys}, count(*), min(id), max(r) from k group by {keys} order by min(id)");
            let many = few.replace("group by ", &format!("group by {idle}, ").replace("id - id", "n - n"));
            // `n - n` is NULL where `n` is, and so is a group of its own.
            let few =
                if keys.starts_with('n') { few } else { few.replace("group by ", "group by n is null, ") };
            same(session, &few, &many).await;
            let few = few.replace("order by", "having count(*) > 1 or min(id) = 8 order by");
            let many = many.replace("order by", "having count(*) > 1 or min(id) = 8 order by");
            same(session, &few, &many).await;
        }
    }
    cluster.stop().await;
}

async fn fastest(session: &mut Session, sql: &str) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        run(session, sql).await.expect("answers");
        fastest = fastest.min(began.elapsed());
    }
    fastest
}

/// Eight times the keys may take eight times as long, and some more; not sixty-four times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_grows_as_the_number_of_keys() {
    const RATIO_MAX: u32 = 24;
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let session = &mut session;
    filled(session).await;
    session.plan_every_query(true);
    let keys = |count: usize| (0..count).map(|n| format!("n + {n}")).collect::<Vec<_>>().join(", ");
    for form in ["select id from k order by KEYS", "select count(*) from k group by KEYS"] {
        let [few, many] = [512, 4_096].map(|count| form.replace("KEYS", &keys(count)));
        let (few, many) = (fastest(session, &few).await, fastest(session, &many).await);
        assert!(many < few * RATIO_MAX, "{form}: {few:?} for 512 keys, {many:?} for 4,096");
    }
    cluster.stop().await;
}
