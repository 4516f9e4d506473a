//! `kill -9` in the middle of concurrent writers. Each writer keeps a list of the ids whose INSERT was
//! acknowledged, outside the server. After the restart every listed row is there, none twice, and the
//! secondary index holds exactly the rows of the table, and the money that others moved meanwhile is all there.
//!
//! `RUTILE_CRASH_ROUNDS=50` makes a long run of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::{Server, ServerOptions};

const WRITERS: u64 = 8;
const ROUNDS: u64 = 3;
const BANKERS: u64 = 3;
const ACCOUNTS: u64 = 12;
const BALANCE: i64 = 1_000;
/// Acknowledged rows, over all writers, after which the process is killed.
const ROWS_BEFORE_KILL: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_rows_survive_kill() -> Result<()> {
    let mut server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), ServerOptions::default())?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    connection.query_drop("CREATE DATABASE survival").await?;
    connection
        .query_drop(
            "CREATE TABLE survival.rows_written (id BIGINT PRIMARY KEY, writer INT NOT NULL, note VARCHAR(300),
             KEY by_writer (writer))",
        )
        .await?;
    connection
        .query_drop(
            "CREATE TABLE survival.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL, KEY by_balance (balance))",
        )
        .await?;
    for id in 0..ACCOUNTS {
        connection.exec_drop("INSERT INTO survival.accounts VALUES (?, ?)", (id, BALANCE)).await?;
    }
    drop(connection);

    let rounds = match std::env::var("RUTILE_CRASH_ROUNDS") {
        Ok(rounds) => rounds.parse().context("RUTILE_CRASH_ROUNDS")?,
        Err(_) => ROUNDS,
    };
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        acknowledged.extend(write_until_killed(&mut server, round).await?);
        server.restart().context("restart after kill -9")?;
        check(&server, &acknowledged).await.with_context(|| format!("round {round}"))?;
    }
    println!("{rounds} kills, {} rows acknowledged, none lost", acknowledged.len());
    Ok(())
}

/// Runs the writers, kills the server once enough rows are acknowledged, and returns their ids.
async fn write_until_killed(server: &mut Server, round: u64) -> Result<BTreeSet<u64>> {
    let counter = Arc::new(AtomicU64::new(0));
    let (reached, wait) = tokio::sync::oneshot::channel();
    let reached = Arc::new(std::sync::Mutex::new(Some(reached)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (url, counter, reached) = (server.url("survival"), counter.clone(), reached.clone());
            tokio::spawn(async move { write(&url, round, writer, &counter, &reached).await })
        })
        .collect();
    let bankers: Vec<_> = (0..BANKERS)
        .map(|banker| {
            let url = server.url("survival");
            tokio::spawn(async move { move_money(&url, banker).await })
        })
        .collect();
    wait.await.context("the writers ended before enough rows were acknowledged")?;
    server.kill()?;
    for banker in bankers {
        banker.await??;
    }
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.extend(writer.await??);
    }
    ensure!(acknowledged.len() as u64 >= ROWS_BEFORE_KILL, "only {} rows", acknowledged.len());
    Ok(acknowledged)
}

type Reached = std::sync::Mutex<Option<tokio::sync::oneshot::Sender<()>>>;

/// Inserts rows one by one, every third one in a transaction of two, until the connection breaks.
async fn write(
    url: &str,
    round: u64,
    writer: u64,
    counter: &AtomicU64,
    reached: &Reached,
) -> Result<Vec<u64>> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    let mut acknowledged = Vec::new();
    for sequence in 0.. {
        let id = (round * WRITERS + writer) * 1_000_000 + sequence * 2;
        let note = "n".repeat((sequence % 300) as usize);
        let insert = "INSERT INTO rows_written VALUES (?, ?, ?)";
        let written = if sequence % 3 == 2 {
            let mut outcome = connection.query_drop("BEGIN").await;
            for id in [id, id + 1] {
                if outcome.is_ok() {
                    outcome = connection.exec_drop(insert, (id, writer, &note)).await;
                }
            }
            match outcome {
                Ok(()) => connection.query_drop("COMMIT").await.map(|()| vec![id, id + 1]),
                Err(error) => Err(error),
            }
        } else {
            connection.exec_drop(insert, (id, writer, &note)).await.map(|()| vec![id])
        };
        match written {
            Ok(ids) => acknowledged.extend(ids),
            Err(mysql_async::Error::Server(error)) => anyhow::bail!("writer {writer}: {error}"),
            Err(_) => break, // the connection died with the process
        }
        if counter.fetch_add(1, Ordering::Relaxed) + 1 == ROWS_BEFORE_KILL
            && let Some(reached) = reached.lock().expect("no panic holds it").take()
        {
            let _ = reached.send(());
        }
    }
    Ok(acknowledged)
}

/// Moves money between accounts until the connection breaks. Deadlocks and lock waits are part of the game.
async fn move_money(url: &str, banker: u64) -> Result<()> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    for step in 0.. {
        let from = (banker * 5 + step * 3) % ACCOUNTS;
        let to = (from + 1 + step % (ACCOUNTS - 1)) % ACCOUNTS;
        let add = "UPDATE accounts SET balance = balance + ? WHERE id = ?";
        let mut outcome = connection.query_drop("BEGIN").await;
        for (account, amount) in [(from, -1_i64), (to, 1)] {
            if outcome.is_ok() {
                outcome = connection.exec_drop(add, (amount, account)).await;
            }
        }
        if outcome.is_ok() {
            outcome = connection.query_drop("COMMIT").await;
        }
        match outcome {
            Ok(()) => {}
            Err(mysql_async::Error::Server(error)) if error.code == 1213 || error.code == 1205 => {
                if connection.query_drop("ROLLBACK").await.is_err() {
                    break;
                }
            }
            Err(mysql_async::Error::Server(error)) => anyhow::bail!("banker {banker}: {error}"),
            Err(_) => break, // the connection died with the process
        }
    }
    Ok(())
}

async fn check(server: &Server, acknowledged: &BTreeSet<u64>) -> Result<()> {
    let mut connection = Conn::new(Opts::from_url(&server.url("survival"))?).await?;
    connection.query_drop("ADMIN CHECK TABLE rows_written, accounts").await?;
    let total: Option<i64> =
        connection.query_first("SELECT CAST(SUM(balance) AS SIGNED) FROM accounts").await?;
    ensure!(total == Some(ACCOUNTS as i64 * BALANCE), "the accounts hold {total:?}");
    let ids: Vec<u64> = connection.query("SELECT id FROM rows_written").await?;
    let present: BTreeSet<u64> = ids.iter().copied().collect();
    ensure!(present.len() == ids.len(), "{} rows, {} distinct ids", ids.len(), present.len());
    let lost: Vec<_> = acknowledged.difference(&present).take(10).collect();
    ensure!(lost.is_empty(), "acknowledged rows are gone: {lost:?} …");

    // Both rows of a pair or none, acknowledged or not.
    let halves: Vec<_> =
        present.iter().filter(|id| (*id % 1_000_000) / 2 % 3 == 2 && !present.contains(&(*id ^ 1))).collect();
    ensure!(halves.is_empty(), "half a transaction: {halves:?}");

    let mut by_index = 0_u64;
    for writer in 0..WRITERS {
        let count: Option<u64> = connection
            .exec_first(
                "SELECT COUNT(*) FROM rows_written FORCE INDEX (by_writer) WHERE writer = ?",
                (writer,),
            )
            .await?;
        by_index += count.context("a count")?;
    }
    ensure!(by_index == present.len() as u64, "the index holds {by_index} rows, the table {}", present.len());
    Ok(())
}
