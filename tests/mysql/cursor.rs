//! Cursors, packet by packet, beside what MySQL 9.7 answered; and with results larger than a cursor may keep.
//!
//! `RECORD_FROM=3308` records `testdata/cursor_*.packets` again from the MySQL server on that port.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use crate::driver::connect;
use crate::raw::{MODERN, OLD_EOF, RawClient};

/// A COM_STMT_CLOSE is not answered.
const CLOSE: u8 = 0x19;
const EXECUTE_WITH_CURSOR: [u8; 5] = [1, 1, 0, 0, 0];

const TABLES: [&str; 4] = [
    "DROP DATABASE IF EXISTS cur",
    "CREATE DATABASE cur",
    "CREATE TABLE cur.t (id INT PRIMARY KEY, name VARCHAR(20))",
    "INSERT INTO cur.t VALUES (1, 'one'), (2, NULL), (3, 'three')",
];

/// Sends the client's packets of a script and notes the answers. MySQL describes the columns of the temporary table it
/// reads a cursor from, so definitions are only counted.
fn converse(port: u16, capabilities: u32, script: &str) -> Result<String> {
    let mut client = RawClient::log_in(port, capabilities)?;
    let mut said = String::new();
    let lines: Vec<&str> = script.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('#') {
            writeln!(said, "{line}")?;
        }
        let Some(hex) = line.strip_prefix("> ") else { continue };
        let packet: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16))
            .collect::<Result<_, _>>()?;
        writeln!(said, "{line}")?;
        client.command(&packet)?;
        if packet.first() == Some(&CLOSE) {
            continue;
        }
        let answers = lines[at + 1..].iter().take_while(|line| line.starts_with("< ")).count();
        for _ in 0..answers {
            let answer = client.receive()?;
            if answer.starts_with(b"\x03def") {
                writeln!(said, "< definition")?;
            } else {
                let hex: String = answer.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(said, "< {hex}")?;
            }
        }
    }
    Ok(said)
}

/// Has a conversation that MySQL 9.7 had, and compares.
pub async fn check(name: &str, capabilities: u32) -> Result<()> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "mysql/testdata", name].iter().collect();
    let script = std::fs::read_to_string(&path)?;
    let record_from = std::env::var("RECORD_FROM").ok().map(|port| port.parse::<u16>()).transpose()?;
    let (server, _connection) = connect().await?;
    let port = record_from.unwrap_or(server.port());
    let url = format!("mysql://root@127.0.0.1:{port}/");
    let mut connection = Conn::new(Opts::from_url(&url)?).await?;
    for statement in TABLES {
        connection.query_drop(statement).await?;
    }
    let text = script.clone();
    let said = tokio::task::spawn_blocking(move || converse(port, capabilities, &text)).await??;
    if record_from.is_some() {
        std::fs::File::create(&path)?.write_all(said.as_bytes())?;
    } else {
        for (number, (ours, theirs)) in said.lines().zip(script.lines()).enumerate() {
            ensure!(ours == theirs, "{name}:{}: {ours} instead of {theirs}", number + 1);
        }
        ensure!(said == script, "{name}: {} lines", said.lines().count());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_answer_as_mysql() -> Result<()> {
    check("cursor_modern.packets", MODERN).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_answer_as_mysql_with_eof_packets() -> Result<()> {
    check("cursor_old_eof.packets", OLD_EOF).await
}

pub fn prepare(client: &mut RawClient, sql: &str) -> Result<[u8; 4]> {
    client.command(&[b"\x16", sql.as_bytes()].concat())?;
    let ok = client.receive()?;
    ensure!(ok.first() == Some(&0), "{sql}: {ok:02x?}");
    let (columns, parameters) = (u16::from_le_bytes([ok[5], ok[6]]), u16::from_le_bytes([ok[7], ok[8]]));
    for _ in 0..columns + parameters {
        client.receive()?;
    }
    ok[1..5].try_into().context("a statement id")
}

pub fn open(client: &mut RawClient, id: [u8; 4]) -> Result<()> {
    try_open(client, id)?.map_err(|code| anyhow::anyhow!("error {code}"))
}

/// The same, or the number of the error.
pub fn try_open(client: &mut RawClient, id: [u8; 4]) -> Result<Result<(), u16>> {
    client.command(&[&[0x17][..], &id, &EXECUTE_WITH_CURSOR].concat())?;
    let first = client.receive()?;
    if let [0xff, low, high, ..] = first.as_slice() {
        return Ok(Err(u16::from_le_bytes([*low, *high])));
    }
    for _ in 0..=first[0] {
        client.receive()?;
    }
    Ok(Ok(()))
}

/// Rows of one fetch, or the number of its error.
pub fn fetch(client: &mut RawClient, id: [u8; 4], rows: u32) -> Result<Result<Vec<Vec<u8>>, u16>> {
    client.command(&[&[0x1c][..], &id, &rows.to_le_bytes()].concat())?;
    let mut fetched = Vec::new();
    loop {
        let packet = client.receive()?;
        match packet.first() {
            Some(0) => fetched.push(packet),
            Some(0xfe) => return Ok(Ok(fetched)),
            Some(0xff) => return Ok(Err(u16::from_le_bytes([packet[1], packet[2]]))),
            _ => anyhow::bail!("{packet:02x?}"),
        }
    }
}

/// 40 MiB of rows: more than a cursor may keep in memory, so they come from the table as they are fetched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_result_is_read_while_it_is_fetched() -> Result<()> {
    let (server, mut connection) = connect().await?;
    connection.query_drop("CREATE TABLE big (id INT PRIMARY KEY, pad LONGTEXT)").await?;
    for id in 0..40 {
        connection.exec_drop("INSERT INTO big VALUES (?, REPEAT('x', 1048576))", (id,)).await?;
    }
    let port = server.port();
    tokio::task::spawn_blocking(move || -> Result<()> {
        let mut client = RawClient::log_in(port, MODERN)?;
        let big = prepare(&mut client, "SELECT id, pad FROM d.big ORDER BY id")?;
        open(&mut client, big)?;
        let mut ids = Vec::new();
        loop {
            let rows = fetch(&mut client, big, 7)?.map_err(|code| anyhow::anyhow!("error {code}"))?;
            ids.extend(rows.iter().map(|row| row[2]));
            if rows.len() < 7 {
                break;
            }
        }
        ensure!(ids == (0..40).collect::<Vec<u8>>(), "{ids:?}");

        // Another statement needs the session: the rest would have to be kept, and is too much.
        open(&mut client, big)?;
        ensure!(fetch(&mut client, big, 1)?.is_ok_and(|rows| rows.len() == 1));
        let small = prepare(&mut client, "SELECT id FROM d.big WHERE id < 3")?;
        open(&mut client, small)?;
        ensure!(fetch(&mut client, big, 1)? == Err(1041), "named, not cut short");
        ensure!(fetch(&mut client, big, 1)? == Err(1421), "and closed");
        ensure!(fetch(&mut client, small, 10)?.is_ok_and(|rows| rows.len() == 3), "the small one is kept");
        Ok(())
    })
    .await??;
    let one: Option<i64> = connection.query_first("SELECT 1").await?;
    ensure!(one == Some(1));
    Ok(())
}

#[tokio::test]
async fn prepared_statements_are_counted_over_all_sessions() -> Result<()> {
    let (server, mut one) = connect().await?;
    let mut two = Conn::new(Opts::from_url(&server.url("d"))?).await?;
    one.query_drop("SET GLOBAL max_prepared_stmt_count = 2").await?;
    let first = one.prep("SELECT 1").await?;
    let second = two.prep("SELECT 2").await?;
    let error = two.prep("SELECT 3").await.expect_err("a third");
    ensure!(
        matches!(&error, mysql_async::Error::Server(e) if e.code == 1461 && e.state == "42000"),
        "{error}"
    );
    let value: Option<i64> = two.exec_first(&second, ()).await?;
    ensure!(value == Some(2));
    one.close(first).await?;
    // The close is not answered; this is behind it.
    one.ping().await?;
    two.prep("SELECT 3").await?;
    drop(two);
    let count: Option<(String, i64)> = one.query_first("SHOW STATUS LIKE 'Prepared_stmt_count'").await?;
    ensure!(count.is_some_and(|(_, count)| count <= 2));
    Ok(())
}
