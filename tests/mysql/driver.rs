//! mysql_async: text and binary protocol, every value there and back, transactions, insert ids.

use anyhow::{Result, ensure};
use mysql_async::prelude::{Query, Queryable, WithParams};
use mysql_async::{Conn, Opts, Params, Row, Value};
use rutile_tests::{Server, ServerOptions};

pub async fn connect() -> Result<(Server, Conn)> {
    let server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), ServerOptions::default())?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    connection.query_drop("CREATE DATABASE d").await?;
    connection.query_drop("USE d").await?;
    Ok((server, connection))
}

#[tokio::test]
async fn prepared_values_come_back() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    connection
        .query_drop(
            "CREATE TABLE v (id INT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, f FLOAT, d DOUBLE, m DECIMAL(20,5),
             s VARCHAR(100), b BLOB, da DATE, dt DATETIME(6), t TIME(3))",
        )
        .await?;
    let rows = [
        vec![
            Value::Int(1),
            Value::Int(i64::MIN),
            Value::UInt(u64::MAX),
            Value::Float(1.5),
            Value::Double(-2.25e100),
            Value::Bytes(b"-123456789012345.67891".to_vec()),
            Value::Bytes("grüße 😀".into()),
            Value::Bytes(vec![0, 255, 39, 92, 10]),
            Value::Date(2024, 2, 29, 0, 0, 0, 0),
            Value::Date(9999, 12, 31, 23, 59, 59, 999_999),
            Value::Time(true, 1, 2, 3, 4, 500_000),
        ],
        {
            let mut nulls = vec![Value::NULL; 11];
            nulls[0] = Value::Int(2);
            nulls
        },
    ];
    let insert = "INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    for row in &rows {
        connection.exec_drop(insert, Params::Positional(row.clone())).await?;
        ensure!(connection.affected_rows() == 1);
    }
    for row in &rows {
        let back: Option<Row> =
            connection.exec_first("SELECT * FROM v WHERE id = ?", (row[0].clone(),)).await?;
        let back = back.expect("the row").unwrap();
        ensure!(back == *row, "{back:?} instead of {row:?}");
    }
    let text: Option<Row> = connection.query_first("SELECT * FROM v WHERE id = 1").await?;
    let text: Vec<String> = text
        .expect("the row")
        .unwrap()
        .into_iter()
        .map(|value| match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => other.as_sql(true),
        })
        .collect();
    ensure!(text[1] == "-9223372036854775808" && text[2] == "18446744073709551615", "{text:?}");
    ensure!(text[5] == "-123456789012345.67891", "{text:?}");
    ensure!(text[9] == "9999-12-31 23:59:59.999999" && text[10] == "-26:03:04.500", "{text:?}");
    Ok(())
}

#[tokio::test]
async fn statements_are_prepared_once_and_reused() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    connection.query_drop("CREATE TABLE k (id INT PRIMARY KEY AUTO_INCREMENT, v INT)").await?;
    let insert = connection.prep("INSERT INTO k (v) VALUES (?)").await?;
    ensure!(insert.num_params() == 1 && insert.num_columns() == 0);
    for v in 0..50 {
        connection.exec_drop(&insert, (v,)).await?;
        ensure!(connection.last_insert_id() == Some(v + 1), "{:?}", connection.last_insert_id());
    }
    let select = connection.prep("SELECT id, v FROM k WHERE id = ? AND v >= ?").await?;
    ensure!(select.num_params() == 2 && select.num_columns() == 2);
    for id in 1..=50_i64 {
        let row: Option<(i64, i64)> = connection.exec_first(&select, (id, 0)).await?;
        ensure!(row == Some((id, id - 1)));
        let none: Option<(i64, i64)> = connection.exec_first(&select, (id, 1000)).await?;
        ensure!(none.is_none());
    }
    connection.close(select).await?;
    // mysql2 for Node sends every number as DOUBLE: it must still find the integer key.
    let row: Option<i64> = connection.exec_first("SELECT v FROM k WHERE id = ?", (7.0_f64,)).await?;
    ensure!(row == Some(6));
    let row: Option<i64> = connection.exec_first("SELECT v FROM k WHERE id = ?", ("7",)).await?;
    ensure!(row == Some(6));
    for statement in ["BEGIN", "COMMIT", "SET @x = 1", "SHOW TABLES", "SELECT @x"] {
        connection.exec_drop(statement, ()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn transactions_keep_to_their_snapshot() -> Result<()> {
    let (server, mut one) = connect().await?;
    let mut two = Conn::new(Opts::from_url(&server.url("d"))?).await?;
    one.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v INT)").await?;
    one.query_drop("INSERT INTO t VALUES (1, 10), (2, 20)").await?;

    one.query_drop("BEGIN").await?;
    let before: Option<i64> = one.query_first("SELECT v FROM t WHERE id = 1").await?;
    two.query_drop("UPDATE t SET v = 11 WHERE id = 1").await?;
    let inside: Option<i64> = one.query_first("SELECT v FROM t WHERE id = 1").await?;
    ensure!(before == Some(10) && inside == Some(10), "{before:?} {inside:?}");
    one.query_drop("COMMIT").await?;
    let after: Option<i64> = one.query_first("SELECT v FROM t WHERE id = 1").await?;
    ensure!(after == Some(11));

    // A second writer of a row waits, and goes on from what the first one left.
    one.query_drop("BEGIN").await?;
    two.query_drop("BEGIN").await?;
    let seen: Option<i64> = two.query_first("SELECT v FROM t WHERE id = 2").await?;
    one.query_drop("UPDATE t SET v = v + 1 WHERE id = 2").await?;
    let waiting =
        tokio::spawn(async move { (two.query_drop("UPDATE t SET v = v * 2 WHERE id = 2").await, two) });
    one.query_drop("COMMIT").await?;
    let (waited, mut two) = waiting.await?;
    waited?;
    two.query_drop("COMMIT").await?;
    let value: Option<i64> = one.query_first("SELECT v FROM t WHERE id = 2").await?;
    ensure!(seen == Some(20) && value == Some(42), "{seen:?} {value:?}");

    // Two optimistic ones meet at COMMIT: the second starts again.
    for connection in [&mut one, &mut two] {
        connection.query_drop("SET rutile_txn_mode = OPTIMISTIC").await?;
    }
    one.query_drop("BEGIN").await?;
    two.query_drop("BEGIN").await?;
    one.query_drop("UPDATE t SET v = v + 1 WHERE id = 2").await?;
    two.query_drop("UPDATE t SET v = v + 1 WHERE id = 2").await?;
    one.query_drop("COMMIT").await?;
    let error = two.query_drop("COMMIT").await.expect_err("a write conflict");
    ensure!(matches!(&error, mysql_async::Error::Server(e) if e.code == 1213), "{error}");
    let value: Option<i64> = two.query_first("SELECT v FROM t WHERE id = 2").await?;
    ensure!(value == Some(43), "{value:?}");

    // A connection that goes away leaves nothing behind.
    two.query_drop("BEGIN").await?;
    two.query_drop("INSERT INTO t VALUES (3, 30)").await?;
    drop(two);
    let gone: Option<i64> = one.query_first("SELECT v FROM t WHERE id = 3").await?;
    ensure!(gone.is_none());
    Ok(())
}

#[tokio::test]
async fn several_statements_in_one_query() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    let mut result = connection.query_iter("SELECT 1; SELECT 'b'; CREATE TABLE m (a INT); SELECT 4").await?;
    let mut seen = Vec::new();
    while !result.is_empty() || result.columns().is_some() {
        let rows: Vec<Row> = result.collect().await?;
        seen.push(rows.len());
    }
    ensure!(seen.iter().sum::<usize>() == 3, "{seen:?}");
    let error =
        connection.query_drop("SELECT 1; SELECT nosuch; SELECT 3").await.expect_err("the second fails");
    ensure!(matches!(&error, mysql_async::Error::Server(e) if e.code == 1054), "{error}");
    let one: Option<i64> = connection.query_first("SELECT 1").await?;
    ensure!(one == Some(1), "the connection stays usable");
    Ok(())
}

#[tokio::test]
async fn long_values_cross_packet_limits() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    connection.query_drop("CREATE TABLE l (id INT PRIMARY KEY, b LONGBLOB)").await?;
    let pattern: Vec<u8> = (0..3_000_000_u32).map(|i| (i * 31 % 251) as u8).collect();
    "INSERT INTO l VALUES (1, ?)".with((pattern.clone(),)).ignore(&mut connection).await?;
    let back: Option<Vec<u8>> = connection.exec_first("SELECT b FROM l WHERE id = ?", (1,)).await?;
    ensure!(back.as_deref() == Some(&pattern[..]));
    let text: Option<Vec<u8>> = connection.query_first("SELECT b FROM l").await?;
    ensure!(text.as_deref() == Some(&pattern[..]));
    Ok(())
}

#[tokio::test]
async fn connections_reset_and_change_user() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    connection.query_drop("CREATE TABLE r (a INT)").await?;
    connection.query_drop("SET @x = 5").await?;
    connection.query_drop("BEGIN").await?;
    connection.query_drop("INSERT INTO r VALUES (1)").await?;
    connection.reset().await?;
    let x: Option<Option<i64>> = connection.query_first("SELECT @x").await?;
    ensure!(x == Some(None), "{x:?}");
    connection.query_drop("USE d").await?;
    let count: Option<i64> = connection.query_first("SELECT COUNT(*) FROM r").await?;
    ensure!(count == Some(0), "the open transaction was rolled back");
    connection.ping().await?;
    Ok(())
}
