//! A driver as applications use it: with and without TLS, a password and compression; several results; blobs over the
//! 16 MiB of one packet. Other drivers are in `tests/compat`.

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use rutile_tests::{Server, ServerOptions};

const PASSWORD: &str = "open sesame";

fn server() -> Result<Server> {
    let options = ServerOptions {
        environment: vec![("RUTILE_ROOT_PASSWORD".into(), PASSWORD.into())],
        ..ServerOptions::default()
    };
    Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), options)
}

fn async_options(server: &Server, tls: bool) -> OptsBuilder {
    let certificates = SslOpts::default().with_danger_accept_invalid_certs(true);
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.port())
        .prefer_socket(false)
        .user(Some("root"))
        .pass(Some(PASSWORD))
        .ssl_opts(tls.then(|| certificates.with_danger_skip_domain_validation(true)))
}

#[tokio::test]
async fn mysql_async_logs_in_over_tls_and_in_the_clear() -> Result<()> {
    let server = server()?;
    for tls in [true, false] {
        let mut connection = Conn::new(async_options(&server, tls)).await?;
        let row: Option<(String, String)> = connection.query_first("SHOW STATUS LIKE 'Ssl_version'").await?;
        let version = row.map(|(_, version)| version).unwrap_or_default();
        ensure!(version.starts_with("TLSv1") == tls, "{version:?}");
        connection.disconnect().await?;
    }
    Ok(())
}

#[tokio::test]
async fn blobs_over_one_packet_come_back_compressed_or_not() -> Result<()> {
    let server = server()?;
    let blob: Vec<u8> = (0..(17usize << 20)).map(|at| (at * 31 % 251) as u8).collect();
    let url = format!("mysql://root:open%20sesame@127.0.0.1:{}/", server.port());
    let mut plain = Conn::new(Opts::from_url(&url)?).await?;
    let mut compressed = Conn::new(Opts::from_url(&format!("{url}?compression=fast"))?).await?;
    plain.query_drop("CREATE DATABASE d").await?;
    plain.query_drop("CREATE TABLE d.b (id INT PRIMARY KEY, b LONGBLOB)").await?;
    // A row may hold 6 MiB; a result may be as large as a packet may.
    for (id, connection) in [&mut plain, &mut compressed].into_iter().enumerate() {
        let part = &blob[..5 << 20];
        connection.exec_drop("INSERT INTO d.b VALUES (?, ?)", (id, part)).await?;
        let back: Option<Vec<u8>> = connection.exec_first("SELECT b FROM d.b WHERE id = ?", (id,)).await?;
        ensure!(back.as_deref() == Some(part), "a blob of 5 MiB, connection {id}");
        let back: Option<Vec<u8>> = connection.exec_first("SELECT ?", (blob.as_slice(),)).await?;
        ensure!(
            back.as_deref() == Some(blob.as_slice()),
            "a parameter and a value of 17 MiB, connection {id}"
        );
        let text = "x".repeat(17 << 20);
        let length: Option<u64> = connection.query_first(format!("SELECT LENGTH('{text}')")).await?;
        ensure!(length == Some(17 << 20), "a statement of 17 MiB, connection {id}");
    }
    Ok(())
}

#[tokio::test]
async fn several_results_and_errors_between_them() -> Result<()> {
    let server = server()?;
    let mut connection = Conn::new(async_options(&server, false)).await?;
    let mut results = connection.query_iter("SELECT 1; DO 1; SELECT 'two' AS t, 2").await?;
    let first: Vec<i64> = results.collect().await?;
    let nothing: Vec<i64> = results.collect().await?;
    let last: Vec<(String, i64)> = results.collect().await?;
    ensure!(first == [1] && nothing.is_empty() && last == [("two".to_owned(), 2)]);
    drop(results);
    let mut results = connection.query_iter("SELECT 1; SELECT nosuch; SELECT 3").await?;
    ensure!(results.collect::<i64>().await? == [1]);
    let error = results.collect::<i64>().await.expect_err("an unknown column");
    let (code, state) = match error {
        mysql_async::Error::Server(error) => (error.code, error.state),
        other => return Err(other.into()),
    };
    ensure!((code, state.as_str()) == (1054, "42S22"));
    drop(results);
    let one: Option<i64> = connection.query_first("SELECT 1").await?;
    ensure!(one == Some(1), "the connection is in order again");
    Ok(())
}
