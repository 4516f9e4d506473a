//! What an operator sets and sees: the configuration file, the pages of the status port, the log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::{Server, ServerOptions};

use crate::driver::connect;

const BINARY: &str = env!("CARGO_BIN_EXE_rutile-under-test");

fn ask(port: u16, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    // The server may have closed in the middle of a request that it refuses.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    // A reset instead of a close is an end as well.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The body of a page.
pub fn get(server: &Server, path: &str) -> Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = ask(server.status_port(), request.as_bytes())?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    let (_, body) = answer.split_once("\r\n\r\n").context("a body")?;
    Ok(body.to_owned())
}

/// Metrics by name and labels. Fails on whatever a Prometheus server would not take: OpenMetrics 1.0, "Text Format".
fn parse_metrics(page: &str) -> Result<BTreeMap<String, f64>> {
    ensure!(page.ends_with("# EOF\n"), "the end is marked");
    let (mut types, mut samples) = (BTreeMap::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').context("a type")?;
            ensure!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            ensure!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is declared twice");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').with_context(|| format!("a sample: {line}"))?;
            let value: f64 = value.parse().with_context(|| format!("a number: {line}"))?;
            check_labels(name)?;
            let bare = name.split('{').next().unwrap_or_default();
            let suffixes: &[(&str, &str)] = &[
                ("_total", "counter"),
                ("_bucket", "histogram"),
                ("_sum", "histogram"),
                ("_count", "histogram"),
                ("", "gauge"),
            ];
            let declared = suffixes.iter().any(|(suffix, kind)| {
                bare.strip_suffix(suffix)
                    .and_then(|family| types.get(family))
                    .is_some_and(|found| found == kind)
            });
            ensure!(declared, "{line} is of no declared family");
            ensure!(samples.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        }
    }
    check_histograms(&samples)?;
    Ok(samples)
}

fn check_labels(name: &str) -> Result<()> {
    let (bare, labels) = name.split_once('{').unwrap_or((name, "}"));
    ensure!(bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !bare.is_empty(), "{name}");
    let labels = labels.strip_suffix('}').with_context(|| format!("a closing brace: {name}"))?;
    for label in labels.split(',').filter(|label| !label.is_empty()) {
        let (key, value) = label.split_once('=').with_context(|| format!("a label: {name}"))?;
        ensure!(key.chars().all(|c| c.is_ascii_lowercase()) && value.len() >= 2, "{name}");
        ensure!(value.starts_with('"') && value.ends_with('"'), "{name}");
    }
    Ok(())
}

/// Buckets rise to +Inf, which is the count.
fn check_histograms(samples: &BTreeMap<String, f64>) -> Result<()> {
    let infinite = samples.iter().filter(|(name, _)| name.contains("le=\"+Inf\""));
    for (name, count) in infinite {
        let others = name.replace("le=\"+Inf\",", "").replace("{le=\"+Inf\"}", "");
        let total = samples.get(&others.replace("_bucket", "_count"));
        ensure!(total == Some(count), "{name}: {count} and {total:?}");
    }
    Ok(())
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() -> Result<()> {
    let (server, mut connection) = connect().await?;
    let before = parse_metrics(&get(&server, "/metrics")?)?;
    connection.query_drop("CREATE TABLE t (a INT PRIMARY KEY)").await?;
    connection.query_drop("INSERT INTO t VALUES (1), (2)").await?;
    for _ in 0..5 {
        let _: Vec<i64> = connection.exec("SELECT a FROM t WHERE a > ?", (0,)).await?;
    }
    ensure!(connection.query_drop("INSERT INTO t VALUES (1)").await.is_err());
    let after = parse_metrics(&get(&server, "/metrics")?)?;
    let grown = |name: &str| {
        after.get(name).copied().unwrap_or_default() - before.get(name).copied().unwrap_or_default()
    };
    for (name, least) in [
        ("rutile_statement_seconds_count{kind=\"select\",outcome=\"ok\"}", 5.0),
        ("rutile_statement_seconds_count{kind=\"insert\",outcome=\"ok\"}", 1.0),
        ("rutile_statement_seconds_count{kind=\"insert\",outcome=\"error\"}", 1.0),
        ("rutile_mysql_handler_commit_total", 1.0),
        ("rutile_errors_sent_total", 1.0),
        ("rutile_received_bytes_total", 100.0),
        ("rutile_store_reads_total", 1.0),
        ("rutile_store_raft_appends_total", 1.0),
        ("rutile_raft_append_seconds_count", 1.0),
        ("rutile_pessimistic_lock_seconds_count", 0.0),
    ] {
        ensure!(grown(name) >= least, "{name} grew by {}", grown(name));
    }
    for name in [
        "rutile_connections",
        "rutile_pd_regions",
        "rutile_store_leaders",
        "rutile_engine_block_cache_bytes",
        "rutile_process_resident_memory_bytes",
        "rutile_prepared_statements",
        "rutile_pd_timestamps_end_ms",
    ] {
        ensure!(after.get(name).is_some_and(|value| *value > 0.0), "{name} is {:?}", after.get(name));
    }
    let names: BTreeSet<&str> = after.keys().map(|name| name.split('{').next().unwrap_or(name)).collect();
    ensure!(names.iter().all(|name| name.starts_with("rutile_")), "{names:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_port_survives_its_clients() -> Result<()> {
    let arguments = ["status.request_timeout=1s", "status.max_connections=8"];
    let options = ServerOptions {
        arguments: arguments.iter().flat_map(|set| ["--set".to_owned(), (*set).to_owned()]).collect(),
        ..ServerOptions::default()
    };
    let server = Server::start(BINARY, options)?;
    let port = server.status_port();
    for garbage in [&b"\0\xff\xfe\r\n\r\n"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &[b'a'; 4096]] {
        let answer = ask(port, garbage)?;
        ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let head = b"POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n";
    let answer = ask(port, &[&head[..], &vec![b'x'; 1 << 20]].concat())?;
    ensure!(!answer.contains(" 200 "), "a body of 1 GiB: {answer}");
    let long = format!("GET /status HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    let answer = ask(port, long.as_bytes())?;
    ensure!(!answer.contains(" 200 "), "a head of 64 KiB: {answer}");
    // Slow heads: all places are taken, then free again.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"GET /status HT")?;
        slow.push(stream);
    }
    for mut stream in slow {
        let mut said = Vec::new();
        // Closed by the server, in whatever way.
        let closed = stream.read_to_end(&mut said);
        ensure!(
            closed.is_ok() || closed.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        );
    }
    ensure!(get(&server, "/ready")? == "ready\n");
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    let one: Option<i64> = connection.query_first("SELECT 1").await?;
    ensure!(one == Some(1));
    Ok(())
}

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(BINARY).args(arguments).output()?)
}

#[tokio::test]
async fn a_configuration_file_is_read_and_a_flag_wins() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rutile.toml");
    let shown = file.display().to_string();
    std::fs::File::create(&file)?
        .write_all(b"[server]\nport = 1\n[connections]\nmax_connections = 3\n[log]\nlevel = \"debug\"\n")?;
    let output = run(&["start", "--config", &shown, "--print-config", "--port", "4001"])?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in ["port = 4001", "max_connections = 3", "level = \"debug\"", "write_timeout = \"1m\""] {
        ensure!(printed.lines().any(|found| found == line), "{line} in\n{printed}");
    }

    // The harness gives the ports by flags, so the file's port does not matter.
    let options =
        ServerOptions { arguments: vec!["--config".into(), shown.clone()], ..ServerOptions::default() };
    let server = Server::start(BINARY, options)?;
    let config = get(&server, "/config")?;
    ensure!(config.contains("max_connections = 3\n") && config.contains("port = 0\n"), "{config}");
    let url = Opts::from_url(&server.url(""))?;
    let mut held = Vec::new();
    for _ in 0..=3 {
        held.push(Conn::new(url.clone()).await?);
    }
    ensure!(Conn::new(url.clone()).await.is_err(), "one more than three and an administrator");

    // Live settings follow a reload; the log says when it is done.
    std::fs::File::create(&file)?
        .write_all(b"[connections]\nmax_connections = 4\n[gc]\ninterval = \"5m\"\n")?;
    ensure!(Command::new("kill").args(["-HUP", &server.pid().to_string()]).status()?.success());
    while !get(&server, "/config")?.contains("max_connections = 4\n") {
        tokio::task::yield_now().await;
    }
    held.push(Conn::new(url).await?);
    ensure!(get(&server, "/config")?.contains("interval = \"1m\"\n"), "not before a restart");

    std::fs::File::create(&file)?.write_all(b"[server]\nprot = 1\n")?;
    let output = run(&["start", "--config", &shown])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(2), "{said}");
    ensure!(said.lines().count() == 1 && said.contains("line 2") && said.contains("\"prot\""), "{said}");
    Ok(())
}

#[tokio::test]
async fn logs_are_text_or_json_in_the_file_that_is_named() -> Result<()> {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("rutile.log");
        let flags = ["--log-format", format, "--log-file", &file.display().to_string()].map(str::to_owned);
        let mut server =
            Server::start(BINARY, ServerOptions { arguments: flags.to_vec(), ..ServerOptions::default() })?;
        ensure!(server.terminate()?.success());
        let log = std::fs::read_to_string(&file)?;
        ensure!(log.lines().count() >= 3, "{log}");
        for line in log.lines() {
            if format == "json" {
                let parsed: serde_json::Value =
                    serde_json::from_str(line).with_context(|| line.to_owned())?;
                for field in ["timestamp", "level", "message", "target"] {
                    ensure!(parsed[field].is_string(), "{field} in {line}");
                }
            } else {
                ensure!(line.contains(" INFO ") || line.contains(" WARN "), "{line}");
                ensure!(!line.starts_with('{') && !line.contains('\u{1b}'), "{line}");
            }
        }
        ensure!(log.contains("starting") && log.contains("stopped"), "{log}");
    }
    Ok(())
}
