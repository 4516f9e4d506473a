//! One transfer, in one of several styles.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, Error, LockOptions, LockWait, Result, Transaction, TransactionOptions};

use super::history::History;

pub const ACCOUNTS: u64 = 6;
pub const START: i64 = 100;
/// Statements that read and lock again before they give up.
const ROUNDS_MAX: u64 = 8;

pub fn account(n: u64) -> Bytes {
    Bytes::from(format!("k{n}"))
}

/// Balance and version.
pub fn parse(value: &[u8]) -> (i64, i64) {
    let text = String::from_utf8_lossy(value);
    let (balance, version) = text.split_once(' ').expect("two numbers");
    (balance.parse().expect("a number"), version.parse().expect("a number"))
}

pub fn render(balance: i64, version: i64) -> Bytes {
    Bytes::from(format!("{balance} {version}"))
}

/// What ended a transfer before its commit.
enum Ended {
    Error(Error),
    /// A row was locked, or kept changing.
    GaveUp,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Ended::Error(error)
    }
}

/// Tries one transfer and writes down what became of it. While heartbeats arrive, nobody ends the locks of a living owner.
pub async fn transfer(client: &Client, history: &History, loses_heartbeats: bool) {
    let marker = history.begin();
    let pessimistic = !client.env().random.one_in(3);
    match attempt(client, &marker, pessimistic).await {
        Ok(()) => history.acknowledged(&marker),
        Err(Ended::GaveUp) => history.failed(&marker),
        Err(Ended::Error(error)) => match error {
            Error::Undetermined { .. } => {}
            Error::RolledBack { .. } if pessimistic && !loses_heartbeats => panic!("{error}"),
            Error::WriteConflict { .. }
            | Error::Deadlock { .. }
            | Error::RolledBack { .. }
            | Error::LockNoWait { .. }
            | Error::KeyLocked { .. }
            // Waited for a lock for so long that a lost request was one too many.
            | Error::Backoff { what: "commit", .. }
            | Error::LockWaitTimeout { .. } => history.failed(&marker),
            other => panic!("{other}"),
        },
    }
}

async fn attempt(client: &Client, marker: &Bytes, pessimistic: bool) -> std::result::Result<(), Ended> {
    let random = &client.env().random;
    let mut transaction =
        client.begin(TransactionOptions { pessimistic, ..TransactionOptions::default() }).await?;
    let from = random.range(0..ACCOUNTS);
    let to = (from + 1 + random.range(0..ACCOUNTS - 1)) % ACCOUNTS;
    let keys = [account(from), account(to)];
    let values = match read(client, &mut transaction, &keys).await {
        Ok(values) => values,
        Err(ended) => {
            // Forgotten or rolled back, the locks go.
            if random.one_in(2) {
                transaction.rollback().await?;
            }
            return Err(ended);
        }
    };
    let amount = 1 + random.range(0..5) as i64;
    for (key, (balance, version), change) in [(&keys[0], values[0], -amount), (&keys[1], values[1], amount)] {
        transaction.put(key.clone(), render(balance + change, version + 1));
    }
    transaction.insert(marker.clone(), Bytes::from_static(b"1"));
    if random.one_in(8) {
        // The user thinks: longer than locks live without a heartbeat.
        client.env().clock.sleep(Duration::from_millis(random.range(0..45_000))).await;
    }
    transaction.commit().await?;
    Ok(())
}

async fn read(
    client: &Client,
    transaction: &mut Transaction,
    keys: &[Bytes; 2],
) -> std::result::Result<[(i64, i64); 2], Ended> {
    if !transaction.is_pessimistic() {
        let found = transaction.batch_get(keys).await?;
        return Ok([parse(&found[&keys[0]]), parse(&found[&keys[1]])]);
    }
    let random = &client.env().random;
    let wait = match random.range(0..6) {
        0 => LockWait::NoWait,
        1 => LockWait::SkipLocked,
        _ => LockWait::Timeout(Duration::from_secs(100)),
    };
    match random.range(0..4) {
        // The second key is not locked: commit has to find out whether it changed since the start.
        3 => {
            let options = LockOptions { wait, return_values: true, ..LockOptions::default() };
            let [first] = lock(transaction, &keys[..1], &options).await?;
            let second = transaction.get(&keys[1]).await?.expect("an account");
            Ok([first, parse(&second)])
        }
        0 => read_then_lock(transaction, keys, wait).await,
        1 => {
            let options = LockOptions { wait, return_values: true, ..LockOptions::default() };
            lock(transaction, keys, &options).await
        }
        _ => {
            let options = LockOptions { wait, return_values: true, ..LockOptions::default() };
            let [first] = lock(transaction, &keys[..1], &options).await?;
            let [second] = lock(transaction, &keys[1..], &options).await?;
            Ok([first, second])
        }
    }
}

/// Locks by known keys: the answer is what they hold now.
async fn lock<const N: usize>(
    transaction: &mut Transaction,
    keys: &[Bytes],
    options: &LockOptions,
) -> std::result::Result<[(i64, i64); N], Ended> {
    let locked = transaction.lock_keys(keys, options).await?;
    if !locked.skipped.is_empty() {
        return Err(Ended::GaveUp);
    }
    Ok(std::array::from_fn(|n| keys.get(n).map_or((0, 0), |key| parse(&locked.values[key]))))
}

/// Finds the rows by reading, then locks them if they are still the same.
async fn read_then_lock(
    transaction: &mut Transaction,
    keys: &[Bytes; 2],
    wait: LockWait,
) -> std::result::Result<[(i64, i64); 2], Ended> {
    for _ in 0..ROUNDS_MAX {
        let for_update_ts = transaction.fresh_for_update_ts().await?;
        let found = transaction.view_at(for_update_ts).batch_get(keys).await?;
        let options = LockOptions { wait, for_update_ts: Some(for_update_ts), ..LockOptions::default() };
        match transaction.lock_keys(keys, &options).await {
            Ok(locked) if locked.skipped.is_empty() => {
                return Ok([parse(&found[&keys[0]]), parse(&found[&keys[1]])]);
            }
            Ok(_) => return Err(Ended::GaveUp),
            Err(Error::WriteConflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Ended::GaveUp)
}

/// Reads everything at one moment, checks that it fits together, and answers the markers. A read may have to wait for
/// a commit that itself waits for the lock of a user who thinks; it is tried again then.
pub async fn audit(client: &Client) -> Vec<Bytes> {
    loop {
        match read_all(client).await {
            Ok(markers) => return markers,
            // Its last attempt met the lock, or was lost itself.
            Err(Error::KeyLocked { .. } | Error::Backoff { what: "scan", .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn read_all(client: &Client) -> Result<Vec<Bytes>> {
    let ts = client.timestamp().await?;
    let mut scanner = client.snapshot(ts).scan(rutile_kv_types::KeyRange::all(), Default::default());
    let (mut total, mut versions, mut markers) = (0, 0, Vec::new());
    while let Some((key, value)) = scanner.next().await? {
        if key.starts_with(b"m") {
            markers.push(key);
        } else {
            let (balance, version) = parse(&value);
            total += balance;
            versions += version;
        }
    }
    assert_eq!(total, START * ACCOUNTS as i64, "at {ts}");
    assert_eq!(versions, 2 * markers.len() as i64, "at {ts}");
    Ok(markers)
}
