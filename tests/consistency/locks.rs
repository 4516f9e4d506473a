//! Locked rows under concurrency: nobody loses an update, workers of a queue take different jobs, and a deadlock
//! ends with one transaction rolled back and the other one through.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rutile_tests::{Server, ServerOptions};

const CLIENTS: u64 = 6;
const STEPS: u64 = 25;
const JOBS: u64 = 60;

async fn start(tables: &[&str]) -> Result<(Server, Conn)> {
    let server = Server::start(env!("CARGO_BIN_EXE_rutile-under-test"), ServerOptions::default())?;
    let mut connection = Conn::new(Opts::from_url(&server.url(""))?).await?;
    connection.query_drop("CREATE DATABASE locks").await?;
    connection.query_drop("USE locks").await?;
    for table in tables {
        connection.query_drop(*table).await?;
    }
    Ok((server, connection))
}

/// Read, add in the client, write back: correct only because the read locks. No client sees any error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locking_reads_lose_no_update() -> Result<()> {
    let (server, mut connection) = start(&[
        "CREATE TABLE counters (id INT PRIMARY KEY, v BIGINT)",
        "INSERT INTO counters VALUES (1, 0)",
    ])
    .await?;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let url = server.url("locks");
            tokio::spawn(async move {
                let mut connection = Conn::new(Opts::from_url(&url)?).await?;
                for step in 0..STEPS {
                    if (client + step) % 3 == 0 {
                        // Alone, among those that lock.
                        connection.query_drop("UPDATE counters SET v = v + 1 WHERE id = 1").await?;
                        continue;
                    }
                    connection.query_drop("BEGIN").await?;
                    let read = "SELECT v FROM counters WHERE id = 1 FOR UPDATE";
                    let value: Option<i64> = connection.query_first(read).await?;
                    let next = value.context("the counter")? + 1;
                    connection.exec_drop("UPDATE counters SET v = ? WHERE id = 1", (next,)).await?;
                    connection.query_drop("COMMIT").await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    let value: Option<u64> = connection.query_first("SELECT v FROM counters").await?;
    ensure!(value == Some(CLIENTS * STEPS), "{value:?} instead of {}", CLIENTS * STEPS);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_a_queue_take_different_jobs() -> Result<()> {
    let (server, mut connection) =
        start(&["CREATE TABLE jobs (id INT PRIMARY KEY AUTO_INCREMENT, state INT NOT NULL DEFAULT 0)"])
            .await?;
    for _ in 0..JOBS {
        connection.query_drop("INSERT INTO jobs () VALUES ()").await?;
    }
    let workers: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let url = server.url("locks");
            tokio::spawn(async move { work(&url).await })
        })
        .collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await??);
    }
    let distinct: BTreeSet<u64> = taken.iter().copied().collect();
    ensure!(distinct.len() == taken.len(), "a job was done twice");
    ensure!(distinct.len() as u64 == JOBS, "{} of {JOBS} jobs were done", distinct.len());
    Ok(())
}

/// Takes jobs until there are none.
async fn work(url: &str) -> Result<Vec<u64>> {
    let mut connection = Conn::new(Opts::from_url(url)?).await?;
    let mut taken = Vec::new();
    loop {
        connection.query_drop("BEGIN").await?;
        let next = "SELECT id FROM jobs WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
        let job: Option<u64> = connection.query_first(next).await?;
        if let Some(job) = job {
            connection.exec_drop("UPDATE jobs SET state = 1 WHERE id = ?", (job,)).await?;
            taken.push(job);
        }
        connection.query_drop("COMMIT").await?;
        if job.is_none() {
            let left: Option<u64> =
                connection.query_first("SELECT COUNT(*) FROM jobs WHERE state = 0").await?;
            // Others may hold the last ones and give them back.
            if left == Some(0) {
                return Ok(taken);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_ends_one_transaction_and_lets_the_other_through() -> Result<()> {
    let (server, mut one) =
        start(&["CREATE TABLE pairs (id INT PRIMARY KEY, v INT)", "INSERT INTO pairs VALUES (1, 0), (2, 0)"])
            .await?;
    let mut two = Conn::new(Opts::from_url(&server.url("locks"))?).await?;
    let update = "UPDATE pairs SET v = v + 1 WHERE id = ?";
    one.query_drop("BEGIN").await?;
    two.query_drop("BEGIN").await?;
    one.exec_drop(update, (1,)).await?;
    two.exec_drop(update, (2,)).await?;
    let waiting = tokio::spawn(async move { (one.exec_drop(update, (2,)).await, one) });
    let crossed = two.exec_drop(update, (1,)).await;
    let (waited, mut one) = waiting.await?;
    let failed = [&waited, &crossed].into_iter().filter(|outcome| outcome.is_err()).count();
    ensure!(failed == 1, "one of them must fail: {waited:?}, {crossed:?}");
    let (loser, error) = match (waited, crossed) {
        (Err(error), _) => (&mut one, error),
        (_, Err(error)) => (&mut two, error),
        _ => unreachable!("one failed"),
    };
    ensure!(
        matches!(&error, mysql_async::Error::Server(error) if error.code == 1213 && error.state == "40001"),
        "{error}"
    );
    // Nothing is left of its transaction: this row comes alone.
    loser.query_drop("INSERT INTO pairs VALUES (3, 0)").await?;
    loser.query_drop("ROLLBACK").await?;
    one.query_drop("COMMIT").await?;
    two.query_drop("COMMIT").await?;
    let rows: Vec<(u32, i32)> = one.query("SELECT id, v FROM pairs ORDER BY id").await?;
    ensure!(rows == [(1, 1), (2, 1), (3, 0)], "{rows:?}");
    Ok(())
}

/// A statement that commits by itself waits for locks as long as one of a transaction does, also for a new key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_alone_wait_their_time_for_locked_keys() -> Result<()> {
    let (server, mut holder) =
        start(&["CREATE TABLE keys_held (id INT PRIMARY KEY, v INT)", "INSERT INTO keys_held VALUES (1, 0)"])
            .await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT * FROM keys_held WHERE id IN (1, 5) FOR UPDATE").await?;
    let mut alone = Conn::new(Opts::from_url(&server.url("locks"))?).await?;
    alone.query_drop("SET innodb_lock_wait_timeout = 1").await?;
    for statement in ["UPDATE keys_held SET v = 1 WHERE id = 1", "INSERT INTO keys_held VALUES (5, 0)"] {
        let begun = std::time::Instant::now();
        let error = alone.query_drop(statement).await.expect_err("the key is locked");
        ensure!(matches!(&error, mysql_async::Error::Server(error) if error.code == 1205), "{error}");
        ensure!(begun.elapsed() >= std::time::Duration::from_secs(1), "{statement} gave up at once");
    }
    holder.query_drop("COMMIT").await?;
    alone.query_drop("INSERT INTO keys_held VALUES (5, 0)").await?;
    Ok(())
}

/// Another session's statement waits while LOCK TABLES holds its table, and then sees what was written meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lock_tables_keeps_others_out() -> Result<()> {
    let (server, mut holder) = start(&[
        "CREATE TABLE counters (id INT PRIMARY KEY, v BIGINT)",
        "INSERT INTO counters VALUES (1, 0)",
        "LOCK TABLES counters WRITE",
    ])
    .await?;
    let url = server.url("locks");
    let waiting = tokio::spawn(async move {
        let mut connection = Conn::new(Opts::from_url(&url)?).await?;
        let value: Option<i64> = connection.query_first("SELECT v FROM counters").await?;
        anyhow::Ok(value)
    });
    let mut watcher = Conn::new(Opts::from_url(&server.url("locks"))?).await?;
    let running = "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT v FROM counters'";
    while watcher.query_first::<u64, _>(running).await? != Some(1) {
        ensure!(!waiting.is_finished(), "the table was not held");
    }
    for value in 1..=7 {
        holder.exec_drop("UPDATE counters SET v = ?", (value,)).await?;
    }
    holder.query_drop("UNLOCK TABLES").await?;
    ensure!(waiting.await?? == Some(7), "the reader did not wait");
    Ok(())
}
