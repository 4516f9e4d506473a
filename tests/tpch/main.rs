//! TPC-H at scale factor 0.01 (any other: `data.rs`): the rows that the tpchgen crate makes go in through LOAD DATA LOCAL
//! INFILE, and each query in `queries/` answers as DataFusion does on the same files. `answers/` was
//! written by `reference.py`. Text compares exactly, numbers to almost six digits:
//! MySQL keeps fewer digits of a division than DataFusion, and rounds an average where DataFusion cuts it.

mod data;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Row, Value};
use rutile_tests::{Server, ServerOptions};

const RELATIVE_ERROR_MAX: f64 = 2e-6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_answer_as_datafusion_does() -> Result<()> {
    let server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), ServerOptions::default())?;
    let options = OptsBuilder::from_opts(Opts::from_url(&server.url(""))?);
    let mut connection = Conn::new(options.local_infile_handler(Some(data::Files))).await?;
    connection.query_drop("SET GLOBAL local_infile = ON").await?;
    connection.query_drop("CREATE DATABASE tpch").await?;
    connection.query_drop("USE tpch").await?;
    for statement in include_str!("tables.sql").split(';').map(str::trim).filter(|s| !s.is_empty()) {
        connection.query_drop(statement).await?;
    }
    for table in data::TABLES {
        let load = format!(
            "LOAD DATA LOCAL INFILE '{table}' INTO TABLE {table} FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'"
        );
        connection.query_drop(load).await.with_context(|| format!("load {table}"))?;
        let loaded = connection.affected_rows();
        let expected = data::rows(table).count() as u64;
        ensure!(loaded == expected, "{table}: {loaded} of {expected} rows");
    }
    let mut failures = Vec::new();
    for (name, query, answer) in data::queries()? {
        match connection.query::<Row, _>(&query).await {
            Ok(rows) => failures.extend(difference(&rows, &answer).map(|d| format!("{name}: {d}"))),
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// The first row or cell that differs.
fn difference(rows: &[Row], answer: &str) -> Option<String> {
    let expected: Vec<Vec<&str>> = answer.lines().map(|line| line.split('\t').collect()).collect();
    if rows.len() != expected.len() {
        return Some(format!("{} rows instead of {}", rows.len(), expected.len()));
    }
    for (number, (row, expected)) in rows.iter().zip(&expected).enumerate() {
        for (at, expected) in expected.iter().enumerate() {
            let actual = match row.as_ref(at) {
                Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                Some(Value::NULL) | None => "NULL".to_string(),
                Some(other) => other.as_sql(true),
            };
            if !equal(&actual, expected) {
                return Some(format!("row {number} column {at}: {actual} instead of {expected}"));
            }
        }
    }
    None
}

fn equal(actual: &str, expected: &str) -> bool {
    if actual == expected {
        return true;
    }
    match (actual.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(actual), Ok(expected)) => {
            (actual - expected).abs() <= RELATIVE_ERROR_MAX * expected.abs().max(1.0)
        }
        _ => false,
    }
}
