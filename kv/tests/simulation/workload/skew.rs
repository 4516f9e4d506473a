//! Pairs of switches of which one is to stay on, and transactions that turn one off when they read both as on.
//!
//! Snapshot isolation lets two of them turn off one each. It does not when both switches are locked, or when the
//! one that is only read is written to the commit as a lock.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::Error;

use super::Workload;
use crate::session::Session;

/// The first half is guarded, whatever the style.
const PAIRS: u64 = 4;

#[derive(Default)]
pub struct Skew {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Pairs that were found off, by whether something should have prevented it.
    skewed: u64,
    forbidden: Vec<String>,
}

fn switch_key(pair: u64, side: usize) -> Bytes {
    Bytes::from(format!("switch-{pair}-{side}"))
}

fn is_on(value: &Option<Bytes>) -> bool {
    value.as_deref() != Some(b"off")
}

impl Skew {
    async fn flip(&self, session: &Session, last_look: bool, pair: u64) -> Result<(), Error> {
        let is_guarded = pair < PAIRS / 2;
        let keys = [0, 1].map(|side| switch_key(pair, side));
        let mut attempt = if last_look { session.begin_reading().await? } else { session.begin().await? };
        let found = attempt.read(&keys).await?;
        let (on, off) = (Bytes::from_static(b"on"), Bytes::from_static(b"off"));
        let chosen = session.random().range(0..2) as usize;
        let is_skewed = found.iter().all(|value| !is_on(value));
        let at = attempt.transaction.start_ts().to_string();
        let is_snapshot = !attempt.style.locks();
        match [is_on(&found[0]), is_on(&found[1])] {
            [false, false] => keys.into_iter().for_each(|key| attempt.put(key, on.clone())),
            [true, true] => {
                if is_guarded {
                    attempt.transaction.lock_only(keys[1 - chosen].clone());
                }
                attempt.put(keys[chosen].clone(), off);
            }
            [_, other] => attempt.put(keys[usize::from(other) ^ 1].clone(), on),
        }
        let outcome = if last_look { Ok(()) } else { attempt.commit().await };
        // A lock may end while the other switch is waited for: what was read under locks is true if it commits.
        if is_skewed && (is_snapshot || outcome.is_ok()) {
            self.found_off(session, is_guarded, pair, &at);
        }
        outcome
    }

    fn found_off(&self, session: &Session, is_guarded: bool, pair: u64, at: &str) {
        let mut state = self.state.lock();
        state.skewed += 1;
        if is_guarded || session.styles.iter().all(|style| style.locks()) {
            state.forbidden.push(format!("pair {pair} at {at}"));
        }
    }
}

#[async_trait]
impl Workload for Skew {
    async fn step(&self, session: &Session) -> Result<(), Error> {
        self.flip(session, false, session.random().range(0..PAIRS)).await
    }

    async fn close(&self, session: &Session) -> Result<(), Error> {
        for pair in 0..PAIRS {
            self.flip(session, true, pair).await?;
        }
        Ok(())
    }

    fn judge(&self) {
        let state = self.state.lock();
        assert_eq!(state.forbidden, Vec::<String>::new(), "write skew where it is excluded");
    }

    /// Skews, which are no failure where they are allowed.
    fn count(&self) -> u64 {
        self.state.lock().skewed
    }
}
