//! Sessions over a real store and placement driver in this process: `scripts/*.script`.
//!
//! A block is a statement (lines up to `---`) and its answer (lines up to an empty one). `b: SQL` runs on the second
//! session, `restart` opens the SQL node again on the same store. Answers are MySQL 9.7's unless a comment above the
//! block says why not. `UPDATE_GOLDEN=1 cargo test -p rutile-sql --test session` records; the diff is the review.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::cluster::Cluster;
use bytes::Bytes;
use futures::StreamExt;
use rutile_sql::{ColumnMeta, Outcome, Rows, Script, Session, SqlError};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{TimeZone, Value, format_text};

#[tokio::test]
async fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is part of the source")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let recorded = std::fs::read_to_string(&path).expect("readable");
        let actual = run(&recorded).await;
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let mut file = std::fs::File::create(&path).expect("writable");
            file.write_all(actual.as_bytes()).expect("writable");
            continue;
        }
        assert_eq!(actual, recorded, "{}", path.display());
    }
}

/// Runs a script on a fresh store and writes it anew with the answers.
async fn run(script: &str) -> String {
    let mut cluster = Cluster::start().await;
    let mut sessions: BTreeMap<String, Session> = BTreeMap::new();
    let mut out = String::new();
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            let _ = writeln!(out, "{line}");
            continue;
        }
        let mut statement = vec![line];
        let mut answered = false;
        for line in lines.by_ref() {
            answered |= line == "---";
            if line.is_empty() {
                break;
            }
            if !answered {
                statement.push(line);
            }
        }
        let text = statement.join("\n");
        let _ = writeln!(out, "{text}\n---");
        if text == "restart" {
            for (_, session) in std::mem::take(&mut sessions) {
                session.close().await;
            }
            cluster.restart_sql().await;
            out.push_str("ok\n\n");
            continue;
        }
        let (name, sql) = match text.split_once(": ") {
            Some((name, sql)) if name.len() == 1 => (name, sql),
            _ => ("a", text.as_str()),
        };
        if !sessions.contains_key(name) {
            let session = cluster.session(sessions.len() as u64 + 1).expect("opens");
            sessions.insert(name.to_owned(), session);
        }
        let session = sessions.get_mut(name).expect("just inserted");
        let _ = writeln!(out, "{}\n", answer(session, sql).await);
    }
    cluster.stop().await;
    out
}

async fn answer(session: &mut Session, sql: &str) -> String {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), true);
    let mut answers = Vec::new();
    loop {
        let statement = match session.next_statement(&mut script) {
            Ok(Some(statement)) => statement,
            Ok(None) => break,
            Err(error) => {
                answers.push(show_error(&error));
                break;
            }
        };
        match session.execute(&statement).await {
            Ok(outcome) => answers.push(show_outcome(outcome).await),
            Err(error) => {
                answers.push(show_error(&error));
                break;
            }
        }
    }
    answers.join("\n")
}

async fn collect(rows: Rows, columns: &[ColumnMeta]) -> Result<Vec<Vec<Value>>, SqlError> {
    let mut batches = match rows {
        Rows::Values(rows) => return Ok(rows),
        Rows::Batches(batches) => batches,
    };
    let mut rows = Vec::new();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(columns);
            rows.push(
                cells
                    .map(|(array, column)| value_at(array.as_ref(), &column.ty, row))
                    .collect::<Result<_, _>>()?,
            );
        }
    }
    Ok(rows)
}

fn show_error(error: &SqlError) -> String {
    format!("ERROR {} ({}): {}", error.code, error.sqlstate, error.message)
}

async fn show_outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Ok { affected_rows, last_insert_id, info, warnings } => {
            let mut text = "ok".to_owned();
            for (name, value) in [("affected", affected_rows), ("insert_id", last_insert_id)] {
                if value > 0 {
                    let _ = write!(text, " {name}={value}");
                }
            }
            if warnings > 0 {
                let _ = write!(text, " warnings={warnings}");
            }
            if !info.is_empty() {
                let _ = write!(text, " info={info}");
            }
            text
        }
        Outcome::Rows(result) => {
            let titles: Vec<&str> = result.columns.iter().map(|column| &*column.name).collect();
            let mut lines = vec![titles.join(" | ")];
            let rows = match collect(result.rows, &result.columns).await {
                Ok(rows) => rows,
                Err(error) => return show_error(&error),
            };
            for row in rows {
                assert_eq!(row.len(), result.columns.len(), "as many values as columns");
                let cells = row.iter().zip(result.columns.iter()).map(|(value, column)| {
                    let mut text = Vec::new();
                    format_text(value, &column.ty, &mut text, TimeZone::UTC);
                    match value {
                        Value::Null => "NULL".to_owned(),
                        _ => String::from_utf8_lossy(&text).into_owned(),
                    }
                });
                lines.push(cells.collect::<Vec<_>>().join(" | "));
            }
            lines.join("\n")
        }
        Outcome::LocalInfile(request) => format!("infile {}", request.file_name),
    }
}
