//! Runs every `.slt` beside this file against a server of its own. The answers in them were recorded
//! from MySQL 9.7: `RECORD_FROM=3308 cargo test -p rutile-tests --test sqllogic` writes them again from
//! the MySQL server on that port of 127.0.0.1. `ONLY=name` runs the files whose path contains it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rutile_tests::{ScriptConnection, Server, ServerOptions};
use sqllogictest::{Runner, default_column_validator, default_normalizer, default_validator};

fn scripts() -> Result<Vec<PathBuf>> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("sqllogic")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "slt") && path.to_string_lossy().contains(&only) {
                found.push(path);
            }
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "no script found");
    Ok(found)
}

fn database(script: &Path) -> String {
    format!("slt_{}", script.file_stem().unwrap_or_default().to_string_lossy())
}

#[tokio::test]
async fn scripts_answer_as_recorded() -> Result<()> {
    if let Ok(port) = std::env::var("RECORD_FROM") {
        return record(port.parse()?).await;
    }
    answers_as_recorded(ServerOptions::default(), |_| true).await
}

/// Scripts that plan much and write much, on a SQL server over three stores.
#[tokio::test]
async fn a_cluster_answers_as_recorded() -> Result<()> {
    if std::env::var("RECORD_FROM").is_ok() {
        return Ok(());
    }
    let options = ServerOptions { stores: Some(3), ..ServerOptions::default() };
    answers_as_recorded(options, |script| {
        let name = script.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        ON_CLUSTER.contains(&name.as_str())
    })
    .await
}

/// What runs on the cluster, too.
const ON_CLUSTER: [&str; 12] = [
    "aggregates",
    "date_functions",
    "generated_columns",
    "generated_ids",
    "index_access",
    "insert",
    "joins",
    "select_basic",
    "string_functions",
    "subqueries",
    "transactions",
    "update_delete",
];

async fn answers_as_recorded(options: ServerOptions, wanted: impl Fn(&Path) -> bool) -> Result<()> {
    let server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), options)?;
    let mut failures = Vec::new();
    for script in scripts()?.into_iter().filter(|script| wanted(script)) {
        let name = database(&script);
        let port = server.port();
        let mut runner = Runner::new(|| ScriptConnection::open(port, &name));
        runner.add_label("rutile");
        if let Err(error) = runner.run_file_async(&script).await {
            failures.push(format!("{}\n", error.display(false)));
        }
    }
    ensure!(failures.is_empty(), "{} scripts differ:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

async fn record(port: u16) -> Result<()> {
    for script in scripts()? {
        let name = database(&script);
        let mut runner = Runner::new(|| ScriptConnection::open(port, &name));
        runner.add_label("mysql");
        runner
            .update_test_file(&script, "\t", default_validator, default_normalizer, default_column_validator)
            .await
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| script.display().to_string())?;
    }
    Ok(())
}
