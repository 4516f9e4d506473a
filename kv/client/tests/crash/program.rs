//! The program that dies: a bank and a table with an index.
//!
//! It checks what earlier lives left, says `ready`, and writes until it is ended. Each acknowledged row is a line
//! `ack <id>`; a transfer is a line `moved`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rutile_kv_client::{Client, Error, ScanOptions, Transaction, TransactionOptions};
use rutile_kv_env::failpoint;
use rutile_kv_types::KeyRange;

use crate::storage::Storage;

/// Directory of the data; set for the program only.
pub const DIRECTORY: &str = "RUTILE_CRASH_DIRECTORY";
/// File with the ids that were acknowledged so far, one a line.
pub const ACKNOWLEDGED: &str = "RUTILE_CRASH_ACKNOWLEDGED";
/// Number of this life; ids start with it. Without it the program only checks.
pub const LIFE: &str = "RUTILE_CRASH_LIFE";
/// Failpoint to arm after a while.
pub const FAIL: &str = "RUTILE_CRASH_FAIL";

const ACCOUNTS: u64 = 16;
const BALANCE: i64 = 1_000;
const TRANSFERRERS: u64 = 3;
const INSERTERS: u64 = 3;
const IDS_PER_LIFE: u64 = 1 << 32;
/// Acknowledged rows before the failpoint is armed.
const ROWS_BEFORE_FAILURE: u64 = 60;

/// Runs the program if this process is meant to be it.
pub fn runs_here() -> bool {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return false;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(PathBuf::from(directory)));
    true
}

#[expect(clippy::disallowed_methods, reason = "the program measures its own start")]
async fn run(directory: PathBuf) {
    println!("opening");
    let started = Instant::now();
    let storage = Storage::open(&directory).await;
    println!("opened {}", started.elapsed().as_millis());
    let client = &storage.client;
    found_bank(client).await;
    check(client, &acknowledged()).await;
    println!("ready");
    let Some(life) = std::env::var(LIFE).ok().and_then(|life| life.parse::<u64>().ok()) else {
        return storage.stop().await;
    };
    let rows = AtomicU64::new(0);
    let owner = client.clone();
    let collect = async move { owner.run_gc(Duration::ZERO, Duration::from_millis(200)).await };
    client.env().spawn.spawn("gc-owner", Box::pin(collect));
    let transfers = (0..TRANSFERRERS).map(|worker| transfer(client, life * 7 + worker));
    let inserts = (0..INSERTERS).map(|worker| insert(client, life, worker, &rows));
    let everything =
        futures::future::join(futures::future::join_all(transfers), futures::future::join_all(inserts));
    futures::future::join(everything, fail_later(&rows)).await;
}

/// Arms the failpoint once enough is acknowledged, and keeps it.
async fn fail_later(rows: &AtomicU64) {
    let Ok(site) = std::env::var(FAIL) else {
        return;
    };
    while rows.load(Ordering::SeqCst) < ROWS_BEFORE_FAILURE {
        tokio::task::yield_now().await;
    }
    println!("failing");
    let _armed = failpoint::arm_return(&site, "Input/output error");
    std::future::pending::<()>().await;
}

fn acknowledged() -> BTreeSet<u64> {
    let path = std::env::var_os(ACKNOWLEDGED).expect("the list is named");
    let text = std::fs::read_to_string(Path::new(&path)).expect("the list is readable");
    text.lines().map(|line| line.parse().expect("an id")).collect()
}

fn account(n: u64) -> Bytes {
    Bytes::from(format!("account{n:02}"))
}

fn row(id: u64) -> Bytes {
    Bytes::from(format!("row{id:016x}"))
}

/// Index entries scatter over their own part of the key space.
fn entry(id: u64) -> Bytes {
    Bytes::from(format!("index{:016x}", id.reverse_bits()))
}

async fn begin(client: &Client) -> Transaction {
    client.begin(TransactionOptions::default()).await.expect("begins")
}

async fn found_bank(client: &Client) {
    let mut transaction = begin(client).await;
    if transaction.get(&account(0)).await.expect("reads").is_some() {
        return;
    }
    for n in 0..ACCOUNTS {
        transaction.put(account(n), Bytes::from(BALANCE.to_string()));
    }
    transaction.commit().await.expect("commits");
    client
        .split_region(&[account(5), account(10), Bytes::from("index"), Bytes::from("row")])
        .await
        .expect("splits");
}

/// The sum is what it was, nothing acknowledged is missing, rows and index are one.
async fn check(client: &Client, acknowledged: &BTreeSet<u64>) {
    let transaction = begin(client).await;
    let total: i64 = all(&transaction, "account").await.iter().map(|(_, value)| number(value)).sum();
    assert_eq!(total, ACCOUNTS as i64 * BALANCE, "money is neither made nor lost");
    let ids = |pairs: Vec<(Bytes, Bytes)>, prefix: usize| -> BTreeSet<u64> {
        let id =
            |key: &Bytes| u64::from_str_radix(&String::from_utf8_lossy(&key[prefix..]), 16).expect("an id");
        pairs.iter().map(|(key, _)| id(key)).collect()
    };
    let rows = ids(all(&transaction, "row").await, 3);
    let entries: BTreeSet<u64> =
        ids(all(&transaction, "index").await, 5).into_iter().map(u64::reverse_bits).collect();
    let lost: Vec<_> = acknowledged.difference(&rows).collect();
    assert!(lost.is_empty(), "acknowledged rows are lost: {lost:?}");
    let halves: Vec<_> = rows.symmetric_difference(&entries).collect();
    assert!(halves.is_empty(), "rows without entry or entries without row: {halves:?}");
    println!("checked {} rows", rows.len());
}

async fn all(transaction: &Transaction, prefix: &'static str) -> Vec<(Bytes, Bytes)> {
    let mut scanner = transaction.scan(KeyRange::prefix(prefix), ScanOptions::default());
    let mut pairs = Vec::new();
    while let Some(pair) = scanner.next().await.expect("scans") {
        pairs.push(pair);
    }
    pairs
}

fn number(value: &Bytes) -> i64 {
    String::from_utf8_lossy(value).parse().expect("a number")
}

async fn transfer(client: &Client, seed: u64) {
    for step in 0_u64.. {
        let from = (seed * 5 + step * 7) % ACCOUNTS;
        let to = (from + 1 + step % (ACCOUNTS - 1)) % ACCOUNTS;
        let mut transaction = begin(client).await;
        let balances = transaction.batch_get(&[account(from), account(to)]).await.expect("reads");
        let balance = |n: u64| number(balances.get(&account(n)).expect("an account"));
        let amount = balance(from).min(1 + (step % 40) as i64);
        transaction.put(account(from), Bytes::from((balance(from) - amount).to_string()));
        transaction.put(account(to), Bytes::from((balance(to) + amount).to_string()));
        match transaction.commit().await {
            Ok(_) => println!("moved"),
            Err(Error::WriteConflict { .. }) => {}
            Err(error) => panic!("a transfer may only meet a conflict: {error}"),
        }
    }
}

async fn insert(client: &Client, life: u64, worker: u64, rows: &AtomicU64) {
    for step in 0_u64.. {
        let id = life * IDS_PER_LIFE + step * INSERTERS + worker;
        let value = Bytes::from("v".repeat((step % 400) as usize + 1));
        let mut transaction = begin(client).await;
        transaction.insert(row(id), value);
        transaction.insert(entry(id), Bytes::from_static(b"1"));
        transaction.commit().await.expect("nobody else writes this id");
        println!("ack {id}");
        rows.fetch_add(1, Ordering::SeqCst);
    }
}
