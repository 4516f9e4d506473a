//! Error numbers and SQLSTATEs that applications branch on, and that the connection survives each.

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;

use crate::driver::connect;

const CASES: &[(&str, u16, &str)] = &[
    ("SELEC 1", 1064, "42000"),
    ("SELECT nosuch FROM t", 1054, "42S22"),
    ("SELECT * FROM nosuch", 1146, "42S02"),
    ("SELECT * FROM nosuch.t", 1049, "42000"),
    ("USE nosuch", 1049, "42000"),
    ("CREATE TABLE t (a INT)", 1050, "42S01"),
    ("DROP TABLE nosuch", 1051, "42S02"),
    ("CREATE DATABASE d", 1007, "HY000"),
    ("DROP DATABASE nosuch", 1008, "HY000"),
    ("INSERT INTO t (a) VALUES (1)", 1062, "23000"),
    ("INSERT INTO t (a, b) VALUES (9, NULL)", 1048, "23000"),
    ("INSERT INTO t (a, b) VALUES (1)", 1136, "21S01"),
    ("INSERT INTO t (a, c) VALUES (9, 'too long for it')", 1406, "22001"),
    ("INSERT INTO t (a) VALUES (99999999999)", 1264, "22003"),
    ("INSERT INTO t (a) VALUES ('x')", 1366, "HY000"),
    ("INSERT INTO t (c) VALUES ('x')", 1364, "HY000"),
    ("SELECT a, COUNT(*) FROM t GROUP BY b", 1055, "42000"),
    ("SELECT a FROM t, t AS u", 1052, "23000"),
    ("SELECT 9223372036854775807 + 1", 1690, "22003"),
    ("SELECT (SELECT a FROM t)", 1242, "21000"),
    ("SELECT nosuch(1)", 1305, "42000"),
    ("SET nosuch = 1", 1193, "HY000"),
    ("SET @@version = 'x'", 1238, "HY000"),
    ("XA START 'x'", 1235, "42000"),
    ("HANDLER t OPEN", 1235, "42000"),
    ("CREATE TABLE p (a INT) PARTITION BY HASH (a)", 1235, "42000"),
    ("CREATE TABLE p (a INT, FOREIGN KEY (a) REFERENCES t (a))", 1235, "42000"),
    ("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1", 1235, "42000"),
];

#[tokio::test]
async fn errors_carry_number_and_state() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    connection
        .query_drop("CREATE TABLE t (a INT PRIMARY KEY, b INT NOT NULL DEFAULT 0, c VARCHAR(5))")
        .await?;
    connection.query_drop("INSERT INTO t (a) VALUES (1), (2)").await?;
    let mut complaints = Vec::new();
    for (statement, code, state) in CASES {
        match connection.query_drop(*statement).await {
            Ok(()) => complaints.push(format!("{statement}: no error")),
            Err(mysql_async::Error::Server(error)) => {
                if error.code != *code || error.state != *state {
                    complaints
                        .push(format!("{statement}: {} ({}) {}", error.code, error.state, error.message));
                }
            }
            Err(error) => complaints.push(format!("{statement}: {error}")),
        }
        let alive: Option<i64> = connection.query_first("SELECT COUNT(*) FROM t").await?;
        ensure!(alive == Some(2), "after {statement}: {alive:?} rows");
    }
    ensure!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

#[tokio::test]
async fn deep_and_long_statements_fail_alone() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    let chain = format!("SELECT 1{}", " + 1".repeat(5_000));
    let parentheses = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    let unions = format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(2_000));
    let nots = format!("SELECT {}1", "NOT ".repeat(20_000));
    let list = format!("SELECT 1 IN ({})", vec!["2"; 20_000].join(","));
    for statement in [chain, parentheses, unions, nots, list] {
        // An answer or an error of the statement; never the end of the server.
        match connection.query_drop(&statement).await {
            Ok(()) | Err(mysql_async::Error::Server(_)) => {}
            Err(error) => anyhow::bail!("{}…: {error}", &statement[..30]),
        }
        let one: Option<i64> = connection.query_first("SELECT 1").await?;
        ensure!(one == Some(1));
    }
    Ok(())
}
