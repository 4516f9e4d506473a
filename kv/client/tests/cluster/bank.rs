//! Accounts whose sum never changes.

use bytes::Bytes;
use rutile_kv_client::{Client, ScanOptions, Transaction};
use rutile_kv_types::KeyRange;

use super::{all, begin, key};

pub const ACCOUNTS: usize = 12;
const START: i64 = 100;
pub const TOTAL: i64 = START * ACCOUNTS as i64;

/// Opens the accounts, with the first keys as their numbers.
pub async fn open(client: &Client) {
    let mut open = begin(client).await;
    for n in 0..ACCOUNTS {
        open.put(key(n), Bytes::from(START.to_string()));
    }
    open.commit().await.expect("commits");
}

/// What all accounts hold together in the eyes of a transaction.
pub async fn total(reader: &Transaction, options: ScanOptions) -> i64 {
    all(reader, KeyRange::all(), options).await.iter().map(|(_, text)| number(Some(text))).sum()
}

pub fn number(text: Option<&Bytes>) -> i64 {
    text.map_or(0, |text| String::from_utf8_lossy(text).parse().expect("a number"))
}
