//! LOAD DATA LOCAL INFILE: what becomes of rows, in whose transaction they are, and DDL meanwhile.

#![expect(clippy::disallowed_methods, reason = "clients of the SQL layer run outside of its environment")]

use bytes::Bytes;
use rutile_sql::{Load, Outcome, Script, Session, SessionInfo, SqlError};

use crate::cluster::{Cluster, run};

/// Starts a load.
pub async fn load_of(session: &mut Session, sql: &str) -> Load {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let statement = session.next_statement(&mut script).expect("parses").expect("a statement");
    match session.execute(&statement).await.expect("asks for the file") {
        Outcome::LocalInfile(request) => *request.load,
        other => panic!("{other:?}"),
    }
}

/// A session whose client may send files.
pub async fn session_of(cluster: &Cluster, connection_id: u64) -> Session {
    let info = SessionInfo {
        connection_id,
        user: "root".to_owned(),
        host: "localhost".to_owned(),
        charset_id: 255,
        local_files: true,
        ..SessionInfo::default()
    };
    let mut session = cluster.instance.session(info).expect("opens");
    must(&mut session, "set global local_infile = on").await;
    session
}

async fn must(session: &mut Session, sql: &str) -> usize {
    run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The counts of the answer.
async fn load(session: &mut Session, sql: &str, file: &str) -> Result<String, SqlError> {
    let mut load = load_of(session, sql).await;
    // In pieces that end anywhere.
    for piece in file.as_bytes().chunks(7) {
        session.load_chunk(&mut load, Bytes::copy_from_slice(piece)).await?;
    }
    match session.finish_load(load).await? {
        Outcome::Ok { info, .. } => Ok(info),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_computes_columns_from_variables_and_columns() {
    let cluster = Cluster::start().await;
    let mut session = session_of(&cluster, 1).await;
    for sql in [
        "create database d",
        "use d",
        "create table t(id int primary key auto_increment, a int, b varchar(20), c datetime, g int as (a + 1), n int not null default 7)",
    ] {
        must(&mut session, sql).await;
    }
    let sql = "load data local infile 'f' into table t fields terminated by ',' (@x, b, @X, @when) \
               set a = @x * 2, c = str_to_date(@when, '%d.%m.%Y'), b = concat(b, '/', a), n = default";
    let info = load(&mut session, sql, "9,one,1,01.02.2003\n9,two,2,28.12.1999\n\\N,three,\\N,x\n").await;
    assert_eq!(info.expect("loads"), "Records: 3  Deleted: 0  Skipped: 0  Warnings: 1");
    let one =
        "select 1 from t where id = 1 and a = 2 and b = 'one/2' and c = '2003-02-01' and g = 3 and n = 7";
    assert_eq!(must(&mut session, one).await, 1);
    assert_eq!(
        must(&mut session, "select 1 from t where a = 4 and b = 'two/4' and c = '1999-12-28'").await,
        1
    );
    assert_eq!(must(&mut session, "select 1 from t where a is null and b is null and c is null").await, 1);
    // The last row's, and the first generated id.
    assert_eq!(must(&mut session, "select 1 from dual where @x is null and @when = 'x'").await, 1);
    assert_eq!(must(&mut session, "select 1 from dual where last_insert_id() = 1").await, 1);
    session.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_is_part_of_the_open_transaction() {
    let cluster = Cluster::start().await;
    let mut session = session_of(&cluster, 1).await;
    let mut other = session_of(&cluster, 2).await;
    for sql in ["create database d", "use d", "create table t(id int primary key, a int, unique key (a))"] {
        must(&mut session, sql).await;
    }
    must(&mut other, "use d").await;
    let sql = "load data local infile 'f' into table t";
    must(&mut session, "set autocommit = 0").await;
    must(&mut session, "insert into t values (1, 1)").await;
    let info = load(&mut session, sql, "1\t10\n2\t1\n3\t3\n3\t4\n").await.expect("loads");
    assert_eq!(info, "Records: 4  Deleted: 0  Skipped: 3  Warnings: 3");
    assert_eq!(must(&mut session, "show warnings").await, 3);
    assert!(session.status().in_transaction);
    assert_eq!(must(&mut other, "select * from t").await, 0);
    // A load that fails takes back its own rows only.
    let mut failing = load_of(&mut session, sql).await;
    session.load_chunk(&mut failing, Bytes::from_static(b"5\t5\n")).await.expect("writes");
    assert!(cluster.instance.processes().kill(1, true));
    let error = session.load_chunk(&mut failing, Bytes::from_static(b"6\t6\n")).await.expect_err("is killed");
    assert_eq!(error.code, 1317, "{error}");
    drop(failing);
    assert_eq!(must(&mut session, "select * from t").await, 2);
    let replaced =
        load(&mut session, "load data local infile 'f' replace into table t", "1\t3\n7\t7\n7\t8\n").await;
    assert_eq!(replaced.expect("loads"), "Records: 3  Deleted: 3  Skipped: 0  Warnings: 0");
    must(&mut session, "commit").await;
    assert_eq!(must(&mut other, "select * from t where (id, a) in ((1, 3), (7, 8))").await, 2);
    assert_eq!(must(&mut other, "select * from t").await, 2);
    must(&mut session, "admin check table t").await;
    load(&mut session, sql, "9\t9\n").await.expect("loads");
    must(&mut session, "rollback").await;
    assert_eq!(must(&mut other, "select * from t").await, 2);
    session.close().await;
    other.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_built_meanwhile_has_the_rows_of_a_load() {
    let cluster = Cluster::start().await;
    let mut session = session_of(&cluster, 1).await;
    for sql in ["create database d", "use d", "create table t(id int primary key, a int)"] {
        must(&mut session, sql).await;
    }
    let sql = "load data local infile 'f' into table t";
    let mut load = load_of(&mut session, sql).await;
    session.load_chunk(&mut load, Bytes::from_static(b"1\t1\n")).await.expect("writes");
    let before = cluster.instance.infoschema().version();
    let mut builder = session_of(&cluster, 2).await;
    let built = tokio::spawn(async move {
        must(&mut builder, "alter table d.t add index (a)").await;
        builder.close().await;
    });
    while cluster.instance.infoschema().version() == before && !built.is_finished() {
        tokio::task::yield_now().await;
    }
    assert!(!built.is_finished(), "DDL waits for the load");
    session.load_chunk(&mut load, Bytes::from_static(b"2\t2\n")).await.expect("writes");
    session.finish_load(load).await.expect("commits");
    built.await.expect("the index is built");
    must(&mut session, "admin check table t").await;
    assert_eq!(must(&mut session, "select * from t force index (a) where a in (1, 2)").await, 2);
    session.close().await;
    cluster.stop().await;
}
