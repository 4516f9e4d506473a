//! Transfers by many sessions while regions are split under them and an index is added and dropped, over and over.
//! Clients see no error but 1213 and 1205; at the end the index equals the table and the sum is what it was.
//!
//! `RUTILE_CHURN_SECONDS=60` makes a long run of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::{Server, ServerOptions};

const SESSIONS: u64 = 32;
const ACCOUNTS: u64 = 500;
const BALANCE: i64 = 1_000;
const SECONDS: u64 = 4;

#[derive(Default)]
struct Counts {
    done: u64,
    refused: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_go_on_while_regions_split_and_an_index_comes_and_goes() -> Result<()> {
    let seconds = match std::env::var("RUTILE_CHURN_SECONDS") {
        Ok(seconds) => seconds.parse().context("RUTILE_CHURN_SECONDS")?,
        Err(_) => SECONDS,
    };
    let server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), ServerOptions::default())?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    connection.query_drop("CREATE DATABASE bank").await?;
    connection
        .query_drop(
            "CREATE TABLE bank.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL, owner VARCHAR(20) NOT NULL,
             KEY by_owner (owner))",
        )
        .await?;
    connection.query_drop("USE bank").await?;
    let rows: Vec<String> =
        (0..ACCOUNTS).map(|id| format!("({id}, {BALANCE}, 'owner {}')", id % 40)).collect();
    connection.query_drop(format!("INSERT INTO accounts VALUES {}", rows.join(","))).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let end = Instant::now() + Duration::from_secs(seconds);
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|session| {
            let url = server.url("bank");
            tokio::spawn(async move { transfer(&url, session, end).await })
        })
        .collect();
    let splits = {
        let (url, stop) = (server.url("bank"), Arc::clone(&stop));
        tokio::spawn(async move { split(&url, &stop).await })
    };
    let indexes = {
        let (url, stop) = (server.url("bank"), Arc::clone(&stop));
        tokio::spawn(async move { add_and_drop(&url, &stop).await })
    };
    let mut counts = Counts::default();
    for session in sessions {
        let one = session.await?.with_context(|| server.log())?;
        counts.done += one.done;
        counts.refused += one.refused;
    }
    stop.store(true, Ordering::Relaxed);
    let (splits, indexes) = (splits.await??, indexes.await??);
    ensure!(counts.done > 0 && splits > 0 && indexes > 0, "nothing happened");

    connection.query_drop("ADMIN CHECK TABLE accounts").await?;
    let sum: Option<i64> =
        connection.query_first("SELECT CAST(SUM(balance) AS SIGNED) FROM accounts").await?;
    ensure!(sum == Some(ACCOUNTS as i64 * BALANCE), "the accounts hold {sum:?}");
    println!(
        "{seconds} s: {} transfers, {} refused with 1213 or 1205, {splits} splits, {indexes} times an index",
        counts.done, counts.refused
    );
    Ok(())
}

async fn transfer(url: &str, session: u64, end: Instant) -> Result<Counts> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    let mut counts = Counts::default();
    for step in 0.. {
        if Instant::now() >= end {
            break;
        }
        let from = (session * 31 + step * 17) % ACCOUNTS;
        let to = (from + 1 + step % (ACCOUNTS - 1)) % ACCOUNTS;
        let mut outcome = connection.query_drop("BEGIN").await;
        for (account, amount) in [(from, -1_i64), (to, 1)] {
            if outcome.is_ok() {
                let add = "UPDATE accounts SET balance = balance + ? WHERE id = ?";
                outcome = connection.exec_drop(add, (amount, account)).await;
            }
        }
        if outcome.is_ok() {
            outcome = connection.query_drop("COMMIT").await;
        }
        match outcome {
            Ok(()) => counts.done += 1,
            Err(mysql_async::Error::Server(error)) if error.code == 1213 || error.code == 1205 => {
                counts.refused += 1;
                connection.query_drop("ROLLBACK").await?;
            }
            Err(error) => bail!("session {session}: {error}"),
        }
    }
    connection.disconnect().await?;
    Ok(counts)
}

/// Cuts regions at other keys each time: of rows and of entries.
async fn split(url: &str, stop: &AtomicBool) -> Result<u64> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    let mut splits = 0;
    for step in 0..ACCOUNTS {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let at = step * 37 % ACCOUNTS;
        connection.query_drop(format!("SPLIT TABLE accounts BY ({at})")).await?;
        connection
            .query_drop(format!("SPLIT TABLE accounts INDEX by_owner BY ('owner {}')", at % 40))
            .await?;
        splits += 2;
    }
    Ok(splits)
}

async fn add_and_drop(url: &str, stop: &AtomicBool) -> Result<u64> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        connection.query_drop("ALTER TABLE accounts ADD INDEX by_balance (balance)").await?;
        connection.query_drop("ADMIN CHECK INDEX accounts by_balance").await?;
        rounds += 1;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        connection.query_drop("ALTER TABLE accounts DROP INDEX by_balance").await?;
    }
    Ok(rounds)
}
