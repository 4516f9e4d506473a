//! Queries over a real store in this process: `queries/*.test`, answers recorded from MySQL 9.7.
//!
//! A block is a statement (lines up to `---`) and its answer (lines up to an empty one): rows with ` | ` between
//! columns, `ok` for a statement without rows, or the error. Rows of a query without ORDER BY are compared as
//! a set. `tests/queries/record.py` records the answers from a MySQL server; the diff is the review. Every test
//! runs three times: with the rows committed, the same with nothing aggregated or sorted at the stores, and inside
//! the transaction that writes the rows, so that own writes merge over the scans.

use std::path::Path;

use crate::cluster::Cluster;
use bytes::Bytes;
use futures::StreamExt;
use rutile_sql::{Outcome, Rows, Script, Session, SqlError};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, TimeZone, Value, format_text};

struct Block {
    line: usize,
    statement: String,
    answer: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut statement = vec![line];
        statement.extend(lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "---"));
        let answer =
            lines.by_ref().map(|(_, line)| line.to_owned()).take_while(|line| !line.is_empty()).collect();
        blocks.push(Block { line: number + 1, statement: statement.join("\n"), answer });
    }
    blocks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_queries() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/queries");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is part of the source")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("readable");
        for (own_writes, pushdown) in [(false, true), (false, false), (true, true)] {
            run(&path, &text, own_writes, pushdown, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

async fn run(path: &Path, text: &str, own_writes: bool, pushdown: bool, wrong: &mut Vec<String>) {
    let cluster = Cluster::start().await;
    let mut session = cluster.session(1).expect("opens");
    let pushdown = format!("set rutile_pushdown = {}", i32::from(pushdown));
    for setup in ["create database test", "use test", &pushdown] {
        answer(&mut session, setup).await;
    }
    let mut open = false;
    for block in blocks(text) {
        let writes =
            ["insert", "update", "delete", "replace"].iter().any(|word| block.statement.starts_with(word));
        if own_writes && writes && !open {
            answer(&mut session, "begin").await;
            open = true;
        }
        let mut expected = block.answer;
        // SHOW CREATE answers with several lines in a cell.
        let actual = answer(&mut session, &block.statement).await.join("\n");
        let mut actual: Vec<String> = actual.lines().map(str::to_owned).collect();
        if !block.statement.to_lowercase().contains("order by") {
            expected.sort();
            actual.sort();
        }
        if actual != expected {
            let (expected, actual) = (expected.join("\n  "), actual.join("\n  "));
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            wrong.push(format!(
                "{name}:{} (own writes: {own_writes}, {pushdown})\n{}\n- MySQL:\n  {expected}\n- here:\n  {actual}\n",
                block.line, block.statement
            ));
        }
    }
    session.close().await;
    cluster.stop().await;
}

async fn answer(session: &mut Session, sql: &str) -> Vec<String> {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let mut lines = Vec::new();
    loop {
        let statement = match session.next_statement(&mut script) {
            Ok(Some(statement)) => statement,
            Ok(None) => break,
            Err(error) => return vec![show_error(&error)],
        };
        match session.execute(&statement).await {
            Ok(outcome) => lines.extend(show_outcome(outcome).await),
            Err(error) => lines.push(show_error(&error)),
        }
    }
    lines
}

fn show_error(error: &SqlError) -> String {
    format!("ERROR {} ({}): {}", error.code, error.sqlstate, error.message)
}

async fn show_outcome(outcome: Outcome) -> Vec<String> {
    let result = match outcome {
        Outcome::Rows(result) => result,
        _ => return vec!["ok".to_owned()],
    };
    let types: Vec<FieldType> = result.columns.iter().map(|column| column.ty.clone()).collect();
    let show = |row: &[Value]| {
        let cells = row.iter().zip(&types).map(|(value, ty)| show_value(value, ty));
        cells.collect::<Vec<_>>().join(" | ")
    };
    let mut lines = Vec::new();
    match result.rows {
        Rows::Values(rows) => lines.extend(rows.iter().map(|row| show(row))),
        Rows::Batches(mut batches) => {
            while let Some(batch) = batches.next().await {
                let batch = match batch {
                    Ok(batch) => batch,
                    Err(error) => return vec![show_error(&error)],
                };
                assert_eq!(batch.num_columns(), types.len(), "as many columns as metadata");
                for row in 0..batch.num_rows() {
                    let values: Vec<Value> = batch
                        .columns()
                        .iter()
                        .zip(&types)
                        .map(|(column, ty)| {
                            value_at(column.as_ref(), ty, row).expect("the type is the column's")
                        })
                        .collect();
                    lines.push(show(&values));
                }
            }
        }
    }
    lines
}

fn show_value(value: &Value, ty: &FieldType) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let mut text = Vec::new();
    format_text(value, ty, &mut text, TimeZone::UTC);
    String::from_utf8_lossy(&text).into_owned()
}
