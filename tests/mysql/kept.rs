//! What clients make the server keep: cursors, long data. Bounded, refused in MySQL's words, and given back.
//!
//! `RUTILE_CURSORS=2500` opens 10,000 cursors instead of some hundreds.

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::Server;

use crate::cursor::{fetch, open, prepare, try_open};
use crate::hostile::{process_status, started_with};
use crate::raw::{MODERN, RawClient};
use crate::status::get;

const CONNECTIONS: usize = 4;

/// Bytes on the account of the server's memory.
fn held(server: &Server) -> Result<u64> {
    let page = get(server, "/metrics")?;
    let line =
        page.lines().find(|line| line.starts_with("rutile_query_memory_bytes ")).context("the gauge")?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse::<f64>()? as u64)
}

/// Waits until all other clients are gone, and with them what was kept for them.
async fn until_given_back(server: &Server, connection: &mut Conn) -> Result<()> {
    loop {
        let present: Vec<mysql_async::Row> = connection.query("SHOW PROCESSLIST").await?;
        if present.len() == 1 && held(server)? == 0 {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

async fn server_with_rows(settings: &[&str]) -> Result<(Server, Conn)> {
    let server = started_with(settings)?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    connection.query_drop("CREATE DATABASE d").await?;
    connection.query_drop("CREATE TABLE d.many (id INT PRIMARY KEY, name VARCHAR(200))").await?;
    let rows: Vec<String> = (0..1_000).map(|id| format!("({id}, REPEAT('x', 200))")).collect();
    connection.query_drop(format!("INSERT INTO d.many VALUES {}", rows.join(","))).await?;
    Ok((server, connection))
}

/// Opens a cursor over all rows, again and again.
fn open_many(client: &mut RawClient, count: usize) -> Result<Vec<[u8; 4]>> {
    let mut opened = Vec::with_capacity(count);
    for at in 0..count {
        let statement = prepare(client, &format!("SELECT id, name FROM d.many WHERE id >= {}", at % 2))?;
        open(client, statement)?;
        opened.push(statement);
    }
    Ok(opened)
}

/// How many cursors give a row; the others must say this.
fn kept_of(client: &mut RawClient, statements: &[[u8; 4]], refusal: u16) -> Result<usize> {
    let mut kept = 0;
    for statement in statements {
        match fetch(client, *statement, 1)? {
            Ok(rows) => {
                ensure!(rows.len() == 1, "{} rows", rows.len());
                kept += 1;
            }
            Err(code) => ensure!(code == refusal, "{code} instead of {refusal}"),
        }
    }
    Ok(kept)
}

/// Reliability matrix, D11: each cursor keeps its rows while others are opened, and no connection keeps more than it may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_of_a_connection_keep_so_many_rows() -> Result<()> {
    let cursors = std::env::var("RUTILE_CURSORS").map_or(Ok(150), |count| count.parse())?;
    let (server, mut connection) = server_with_rows(&[]).await?;
    connection.query_drop("SET GLOBAL max_prepared_stmt_count = 100000").await?;
    let (before, threads) = (process_status(&server, "VmRSS:")?, process_status(&server, "Threads:")?);
    let port = server.port();
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let work = move || -> Result<(RawClient, Vec<[u8; 4]>)> {
            let mut client = RawClient::log_in(port, MODERN)?;
            let opened = open_many(&mut client, cursors)?;
            Ok((client, opened))
        };
        clients.push(tokio::task::spawn_blocking(work).await??);
    }
    let on_account = held(&server)?;
    ensure!(on_account > 0 && on_account < 100 << 20, "{on_account} bytes on the account");
    let grown = process_status(&server, "VmRSS:")?.saturating_sub(before);
    // 16 MiB of rows each, the statements, and what the allocator has not given back.
    ensure!(grown < (160 << 10) + (CONNECTIONS * cursors) as u64 * 16, "{grown} KiB");
    let more = process_status(&server, "Threads:")?.saturating_sub(threads);
    ensure!(more <= 20, "{more} threads more");
    for (mut client, opened) in clients {
        let work = move || -> Result<usize> {
            // The last one is not kept yet, but reads on.
            let last = opened.len() - 1;
            let kept = kept_of(&mut client, opened.get(..last).unwrap_or_default(), 1041)?;
            // Closing makes room again.
            for statement in &opened {
                client.command(&[&[0x19][..], statement].concat())?;
            }
            let again = prepare(&mut client, "SELECT id, name FROM d.many")?;
            open(&mut client, again)?;
            let other = prepare(&mut client, "SELECT 1")?;
            open(&mut client, other)?;
            ensure!(fetch(&mut client, again, 10)?.is_ok_and(|rows| rows.len() == 10), "room again");
            Ok(kept)
        };
        let kept = tokio::task::spawn_blocking(work).await??;
        ensure!((20..cursors).contains(&kept), "{kept} of {cursors} cursors kept");
    }
    until_given_back(&server, &mut connection).await
}

/// Cursors of all connections share the memory of the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_of_all_connections_keep_no_more_than_the_server_may() -> Result<()> {
    let (server, mut connection) = server_with_rows(&["server.memory_limit=128MiB"]).await?;
    let port = server.port();
    let mut clients = Vec::new();
    let mut refused = false;
    for _ in 0..8 {
        let work = move || -> Result<(RawClient, bool)> {
            let mut client = RawClient::log_in(port, MODERN)?;
            let mut refused = false;
            for _ in 0..40 {
                let statement = prepare(&mut client, "SELECT id, name FROM d.many")?;
                let opened = try_open(&mut client, statement)?;
                // The next statement finds it kept, or not.
                prepare(&mut client, "SELECT 1")?;
                let fetched = opened.and_then(|()| fetch(&mut client, statement, 1).unwrap_or(Err(0)));
                ensure!(matches!(fetched, Ok(_) | Err(1041 | 3170)), "{fetched:?}");
                refused |= fetched == Err(3170);
            }
            Ok((client, refused))
        };
        let (client, was_refused) = tokio::task::spawn_blocking(work).await??;
        clients.push(client);
        refused |= was_refused;
        ensure!(held(&server)? <= 72 << 20, "{} bytes", held(&server)?);
    }
    ensure!(refused, "eight connections of 16 MiB are more than half of 128 MiB");
    drop(clients);
    until_given_back(&server, &mut connection).await
}

/// A join that computes for long has a thread of its own only while it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_keep_no_threads() -> Result<()> {
    const CURSORS: u64 = 60;
    let (server, mut connection) = server_with_rows(&[]).await?;
    let threads = process_status(&server, "Threads:")?;
    let port = server.port();
    let mut clients = Vec::new();
    for _ in 0..CURSORS {
        let work = move || -> Result<RawClient> {
            let mut client = RawClient::log_in(port, MODERN)?;
            let join = "SELECT a.id FROM d.many a JOIN d.many b ON a.id + b.id > 10";
            let statement = prepare(&mut client, join)?;
            open(&mut client, statement)?;
            ensure!(fetch(&mut client, statement, 1)?.is_ok_and(|rows| rows.len() == 1));
            Ok(client)
        };
        clients.push(tokio::task::spawn_blocking(work).await??);
    }
    let more = process_status(&server, "Threads:")?.saturating_sub(threads);
    ensure!(more < CURSORS / 2, "{more} threads more for {CURSORS} cursors");
    drop(clients);
    until_given_back(&server, &mut connection).await
}

/// COM_STMT_SEND_LONG_DATA for parameter 0; it is not answered.
fn send_long(client: &mut RawClient, statement: [u8; 4], data: &[u8]) -> Result<()> {
    client.command(&[&[0x18][..], &statement, &[0, 0], data].concat())
}

/// The value of `SELECT LENGTH(?)` over what was sent, or the number of the error.
fn length_of(client: &mut RawClient, statement: [u8; 4]) -> Result<Result<u32, u16>> {
    const BLOB: [u8; 2] = [0xfc, 0];
    client.command(&[&[0x17][..], &statement, &[0, 1, 0, 0, 0, 0, 1], &BLOB].concat())?;
    let first = client.receive()?;
    if let [0xff, low, high, ..] = first.as_slice() {
        return Ok(Err(u16::from_le_bytes([*low, *high])));
    }
    client.receive()?;
    let row = client.receive()?;
    client.receive()?;
    let value = row.get(2..6).and_then(|bytes| bytes.try_into().ok()).context("a number")?;
    Ok(Ok(u32::from_le_bytes(value)))
}

/// Reliability matrix, D11: many statements share one bound, each is told, and what was executed makes room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_data_of_a_connection_is_bounded() -> Result<()> {
    const STATEMENTS: usize = 40;
    let server = started_with(&["connections.max_allowed_packet=8MiB"])?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    let before = process_status(&server, "VmRSS:")?;
    let port = server.port();
    tokio::task::spawn_blocking(move || -> Result<()> {
        let chunk = vec![b'x'; 1 << 20];
        let mut client = RawClient::log_in(port, MODERN)?;
        let mut statements = Vec::new();
        for _ in 0..STATEMENTS {
            let statement = prepare(&mut client, "SELECT LENGTH(?)")?;
            for _ in 0..4 {
                send_long(&mut client, statement, &chunk)?;
            }
            statements.push(statement);
        }
        let mut answers = Vec::new();
        for statement in &statements {
            answers.push(length_of(&mut client, *statement)?);
        }
        ensure!(answers.iter().take(2).all(|answer| *answer == Ok(4 << 20)), "{answers:?}");
        ensure!(answers.iter().skip(2).all(|answer| *answer == Err(1105)), "{answers:?}");
        // All of it is used up, whether it was refused or not.
        let last = *statements.last().context("a statement")?;
        for _ in 0..8 {
            send_long(&mut client, last, &chunk)?;
        }
        ensure!(length_of(&mut client, last)? == Ok(8 << 20), "room again");
        for _ in 0..9 {
            send_long(&mut client, last, &chunk)?;
        }
        ensure!(length_of(&mut client, last)? == Err(1105), "one more than the packet may have");
        Ok(())
    })
    .await??;
    let grown = process_status(&server, "VmRSS:")?.saturating_sub(before);
    ensure!(grown < 100 << 10, "{grown} KiB for 8 MiB of 160 that were sent");
    until_given_back(&server, &mut connection).await
}

/// Clients that each keep to the limit of a packet are together more than the server may hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_data_of_all_connections_is_bounded() -> Result<()> {
    let server = started_with(&["server.memory_limit=128MiB"])?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    let port = server.port();
    let mut clients = Vec::new();
    for _ in 0..10 {
        let work = move || -> Result<(RawClient, [u8; 4])> {
            let chunk = vec![b'x'; 1 << 20];
            let mut client = RawClient::log_in(port, MODERN)?;
            let statement = prepare(&mut client, "SELECT LENGTH(?)")?;
            for _ in 0..12 {
                send_long(&mut client, statement, &chunk)?;
            }
            // Answered when all before it was looked at.
            client.command(&[0x0e])?;
            ensure!(client.receive()?.first() == Some(&0), "ping");
            Ok((client, statement))
        };
        clients.push(tokio::task::spawn_blocking(work).await??);
        ensure!(held(&server)? <= 72 << 20, "{} bytes", held(&server)?);
    }
    let mut answers = Vec::new();
    for (mut client, statement) in clients {
        let work = move || length_of(&mut client, statement);
        answers.push(tokio::task::spawn_blocking(work).await??);
    }
    ensure!(answers.iter().all(|answer| matches!(answer, Ok(12_582_912) | Err(3170))), "{answers:?}");
    ensure!(answers.iter().any(Result::is_ok) && answers.iter().any(Result::is_err), "{answers:?}");
    until_given_back(&server, &mut connection).await
}
