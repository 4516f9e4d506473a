//! Malformed packets end their own connection and nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;

use crate::driver::connect;

/// Reads until the server closes; returns what it said.
fn drain(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset instead of a close is an end as well.
    let _ = stream.read_to_end(&mut said);
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_bytes_before_login_close_the_connection() -> Result<()> {
    let (server, mut connection) = connect().await?;
    let port = server.port();
    let attempts: Vec<Vec<u8>> = vec![
        vec![0; 4],
        vec![0xff; 64],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        // A length of 16 MiB - 1 before authentication.
        vec![0xff, 0xff, 0xff, 1],
        // A handshake response cut in the middle.
        vec![10, 0, 0, 1, 0x85, 0xa6, 0xff, 0x01, 0, 0, 0, 1, 45, 0],
    ];
    for attempt in attempts {
        let shown = format!("{attempt:02x?}");
        let ended = tokio::task::spawn_blocking(move || -> Result<bool> {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            let mut greeting = [0_u8; 4];
            stream.read_exact(&mut greeting)?;
            let mut rest = vec![0; usize::from(greeting[0])];
            stream.read_exact(&mut rest)?;
            stream.write_all(&attempt)?;
            stream.shutdown(std::net::Shutdown::Write)?;
            drain(&mut stream);
            Ok(true)
        })
        .await??;
        ensure!(ended, "{shown}");
        let one: Option<i64> = connection.query_first("SELECT 1").await?;
        ensure!(one == Some(1), "after {shown}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_greetings_never_share_a_scramble() -> Result<()> {
    let (server, _connection) = connect().await?;
    let port = server.port();
    let greetings = tokio::task::spawn_blocking(move || -> Result<Vec<Vec<u8>>> {
        (0..8)
            .map(|_| {
                let mut stream = TcpStream::connect(("127.0.0.1", port))?;
                let mut header = [0_u8; 4];
                stream.read_exact(&mut header)?;
                let mut body = vec![0; usize::from(header[0])];
                stream.read_exact(&mut body)?;
                // Protocol version, version text up to its NUL, connection id: then eight scramble bytes.
                let text_end = body.iter().position(|b| *b == 0).expect("a version text");
                Ok(body[text_end + 5..text_end + 13].to_vec())
            })
            .collect()
    })
    .await??;
    let distinct: std::collections::BTreeSet<_> = greetings.iter().collect();
    ensure!(distinct.len() == greetings.len(), "{greetings:02x?}");
    Ok(())
}
