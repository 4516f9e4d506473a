//! What an operator sees: one line for a mistake, status over HTTP, a clean stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::{Server, ServerOptions};

use crate::driver::connect;

const BINARY: &str = env!("CARGO_BIN_EXE_rutile-under-test");

#[tokio::test]
async fn a_second_start_on_the_same_data_is_refused() -> Result<()> {
    let (server, mut connection) = connect().await?;
    let output = server.second_start()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success());
    ensure!(said.trim().lines().count() == 1 && said.contains("data"), "{said}");
    let one: Option<i64> = connection.query_first("SELECT 1").await?;
    ensure!(one == Some(1), "the first server is not disturbed");
    Ok(())
}

#[tokio::test]
async fn mistakes_at_start_are_said_in_one_line() -> Result<()> {
    let (server, _connection) = connect().await?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data").display().to_string();
    let port = server.port().to_string();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["start", "--no-such-flag"], "--no-such-flag"),
        (vec!["start", "--data-dir", &data, "--status-port", "0", "--port", &port], &port),
        (
            vec!["start", "--data-dir", &data, "--status-port", "0", "--port", "0", "--host", "0.0.0.0"],
            "password",
        ),
        (vec!["start", "--port", "banana"], "banana"),
        (vec!["nosuch"], "nosuch"),
    ];
    for (arguments, expected) in cases {
        let output = Command::new(BINARY).args(&arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success(), "{arguments:?} started");
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        ensure!(first.contains(expected), "{arguments:?}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn sigterm_flushes_and_exits_zero() -> Result<()> {
    let (mut server, mut connection) = connect().await?;
    connection.query_drop("CREATE TABLE k (a INT PRIMARY KEY)").await?;
    connection.query_drop("INSERT INTO k VALUES (1), (2), (3)").await?;
    let status = server.terminate()?;
    ensure!(status.success(), "{status}");
    server.restart()?;
    let mut connection = Conn::new(Opts::from_url(&server.url("d"))?).await?;
    let count: Option<i64> = connection.query_first("SELECT COUNT(*) FROM k").await?;
    ensure!(count == Some(3));
    Ok(())
}

#[tokio::test]
async fn status_is_served_over_http() -> Result<()> {
    let (server, mut connection) = connect().await?;
    let version: Option<String> = connection.query_first("SELECT VERSION()").await?;
    let version = version.context("a version")?;
    ensure!(version.starts_with("8.0.") && version.contains("Rutile"), "{version}");
    let get = |path: &str| -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", server.status_port()))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let status = get("/status")?;
    ensure!(status.starts_with("HTTP/1.1 200") && status.contains(&version), "{status}");
    let metrics = get("/metrics")?;
    ensure!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("rutile_connections"), "{metrics}");
    ensure!(get("/nosuch")?.starts_with("HTTP/1.1 404"));
    Ok(())
}

#[tokio::test]
async fn the_root_password_is_asked_for() -> Result<()> {
    let options = ServerOptions {
        environment: vec![("RUTILE_ROOT_PASSWORD".into(), "s3cret pass".into())],
        ..ServerOptions::default()
    };
    let server = Server::start(BINARY, options)?;
    let with = |password: Option<&str>| {
        let builder = mysql_async::OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(server.port())
            .prefer_socket(false)
            .user(Some("root"))
            .pass(password);
        Conn::new(builder)
    };
    for wrong in [None, Some("wrong"), Some("")] {
        let error = with(wrong).await.expect_err("a wrong password");
        ensure!(matches!(&error, mysql_async::Error::Server(e) if e.code == 1045), "{error}");
    }
    for _ in 0..2 {
        // The first login takes the full exchange, the second the cached one.
        let mut connection = with(Some("s3cret pass")).await?;
        let one: Option<i64> = connection.query_first("SELECT 1").await?;
        ensure!(one == Some(1));
    }
    Ok(())
}
