//! A bank: concurrent transfers between accounts while readers sum them. Every snapshot shows the same
//! total. Conflicts (1213) and lock waits (1205) are the only errors a client may see.

use anyhow::{Context, Result, bail, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::{Server, ServerOptions};

const ACCOUNTS: u64 = 20;
const BALANCE: i64 = 1_000;
const CLIENTS: u64 = 4;
const TRANSFERS: u64 = 60;

/// How the transfers keep out of each other's way.
#[derive(Clone, Copy)]
enum Mode {
    /// COMMIT finds out.
    Optimistic,
    /// The accounts are locked first.
    Pessimistic,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_snapshot_shows_the_same_total_while_commits_conflict() -> Result<()> {
    every_snapshot_shows_the_same_total(Mode::Optimistic).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_snapshot_shows_the_same_total_while_rows_are_locked() -> Result<()> {
    every_snapshot_shows_the_same_total(Mode::Pessimistic).await
}

async fn every_snapshot_shows_the_same_total(mode: Mode) -> Result<()> {
    let server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), ServerOptions::default())?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    connection.query_drop("CREATE DATABASE bank").await?;
    connection.query_drop("CREATE TABLE bank.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL)").await?;
    for id in 0..ACCOUNTS {
        connection.exec_drop("INSERT INTO bank.accounts VALUES (?, ?)", (id, BALANCE)).await?;
    }
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let url = server.url("bank");
            tokio::spawn(async move { transfer(&url, client, mode).await })
        })
        .collect();
    let total = ACCOUNTS as i64 * BALANCE;
    let mut sums = 0;
    while !clients.iter().all(|client| client.is_finished()) || sums == 0 {
        let sum: Option<i64> =
            connection.query_first("SELECT CAST(SUM(balance) AS SIGNED) FROM bank.accounts").await?;
        ensure!(sum == Some(total), "a snapshot shows {sum:?} instead of {total}");
        sums += 1;
    }
    let mut done = 0;
    for client in clients {
        done += client.await??;
    }
    ensure!(done > 0, "no transfer went through");
    let negative: Option<u64> =
        connection.query_first("SELECT COUNT(*) FROM bank.accounts WHERE balance < 0").await?;
    ensure!(negative == Some(0), "{negative:?} accounts are overdrawn");
    Ok(())
}

async fn transfer(url: &str, client: u64, mode: Mode) -> Result<u64> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    let mode = match mode {
        Mode::Optimistic => "OPTIMISTIC",
        Mode::Pessimistic => "PESSIMISTIC",
    };
    connection.query_drop(format!("SET rutile_txn_mode = {mode}")).await?;
    let mut done = 0;
    for step in 0..TRANSFERS {
        let from = (client * 7 + step * 3) % ACCOUNTS;
        let to = (from + 1 + step % (ACCOUNTS - 1)) % ACCOUNTS;
        match move_money(&mut connection, from, to, 1 + (step % 50) as i64).await {
            Ok(()) => done += 1,
            Err(mysql_async::Error::Server(error)) if error.code == 1213 || error.code == 1205 => {
                connection.query_drop("ROLLBACK").await?;
            }
            Err(error) => bail!(error),
        }
    }
    Ok(done)
}

async fn move_money(
    connection: &mut Conn,
    from: u64,
    to: u64,
    amount: i64,
) -> Result<(), mysql_async::Error> {
    connection.query_drop("BEGIN").await?;
    let balance: Option<i64> =
        connection.exec_first("SELECT balance FROM accounts WHERE id = ? FOR UPDATE", (from,)).await?;
    let balance = balance.context("an account").expect("accounts are never deleted");
    if balance < amount {
        return connection.query_drop("ROLLBACK").await;
    }
    let add = "UPDATE accounts SET balance = balance + ? WHERE id = ?";
    connection.exec_drop(add, (-amount, from)).await?;
    connection.exec_drop(add, (amount, to)).await?;
    connection.query_drop("COMMIT").await
}
