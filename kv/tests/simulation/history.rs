//! What clients did and what they were told, and whether it can be true.
//!
//! Values of registers and of the set are unique, so a value tells which write it is from. The checks need no search:
//! commit timestamps give the order, and because old versions stay readable, every claim can be looked up afterwards.
//! A read of the past must not change (that is what snapshot isolation promises), an acknowledged write must be
//! visible at its commit timestamp, a refused one nowhere, and timestamps must follow real time.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, Error};
use rutile_kv_types::TimeStamp;

/// A key with the value that was written.
pub type Pair = (Bytes, Bytes);

#[derive(Default)]
pub struct History {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The latest timestamp that anybody was told of; one that is asked for now must be later.
    floor: TimeStamp,
    starts: BTreeSet<TimeStamp>,
    reads: BTreeMap<(TimeStamp, Bytes), Option<Bytes>>,
    acknowledged: Vec<(TimeStamp, Vec<Pair>)>,
    refused: BTreeSet<Bytes>,
    undecided: u64,
    next_value: u64,
}

/// Numbers for the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub reads: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub undecided: u64,
}

impl History {
    /// A value that nobody wrote before.
    pub fn unique_value(&self) -> Bytes {
        let mut state = self.state.lock();
        state.next_value += 1;
        Bytes::from(format!("v{}", state.next_value))
    }

    /// Before a timestamp is asked for.
    pub fn floor(&self) -> TimeStamp {
        self.state.lock().floor
    }

    /// A start timestamp was given out; `floor` is from before it was asked for.
    pub fn started(&self, start_ts: TimeStamp, floor: TimeStamp) {
        let mut state = self.state.lock();
        assert!(start_ts > floor, "timestamp {start_ts} was given out after {floor}");
        assert!(state.starts.insert(start_ts), "timestamp {start_ts} was given out twice");
        state.floor = state.floor.max(start_ts);
    }

    pub fn read(&self, ts: TimeStamp, key: &Bytes, value: Option<Bytes>) {
        let mut state = self.state.lock();
        let known = state.reads.entry((ts, key.clone())).or_insert_with(|| value.clone());
        assert_eq!(*known, value, "two reads of {key:?} at {ts} differ");
    }

    /// A commit is about to be tried; without a verdict it stays undecided.
    pub fn committing(&self) {
        self.state.lock().undecided += 1;
    }

    /// The verdict on `pairs`. `unique`: their values are from [`History::unique_value`].
    pub fn committed(&self, verdict: Result<TimeStamp, Error>, pairs: Vec<Pair>, unique: bool) {
        let mut state = self.state.lock();
        match verdict {
            Ok(commit_ts) => {
                state.undecided -= 1;
                state.floor = state.floor.max(commit_ts.prev());
                state.acknowledged.push((commit_ts, pairs));
            }
            Err(Error::Undetermined { .. }) => {}
            Err(_) => {
                state.undecided -= 1;
                if unique {
                    state.refused.extend(pairs.into_iter().map(|(_, value)| value));
                }
            }
        }
    }

    pub fn counts(&self) -> Counts {
        let state = self.state.lock();
        Counts {
            reads: state.reads.len() as u64,
            acknowledged: state.acknowledged.len() as u64,
            refused: state.refused.len() as u64,
            undecided: state.undecided,
        }
    }

    /// Looks every claim up again; retries until all is answered.
    pub async fn check(&self, client: &Client) {
        let (claims, refused) = {
            let state = self.state.lock();
            let mut claims: BTreeMap<TimeStamp, BTreeMap<Bytes, Option<Bytes>>> = BTreeMap::new();
            for ((ts, key), value) in &state.reads {
                claims.entry(*ts).or_default().insert(key.clone(), value.clone());
            }
            for (commit_ts, pairs) in &state.acknowledged {
                for (key, value) in pairs {
                    let known =
                        claims.entry(*commit_ts).or_default().insert(key.clone(), Some(value.clone()));
                    let known = known.unwrap_or_else(|| Some(value.clone()));
                    assert_eq!(known.as_ref(), Some(value), "{key:?} at its commit timestamp {commit_ts}");
                }
            }
            (claims, state.refused.clone())
        };
        for (ts, claimed) in claims {
            let keys: Vec<Bytes> = claimed.keys().cloned().collect();
            let found = loop {
                if let Ok(found) = client.snapshot(ts).batch_get(&keys).await {
                    break found;
                }
            };
            for (key, value) in claimed {
                assert_eq!(found.get(&key), value.as_ref(), "{key:?} at {ts} is not what it was");
                let refused = value.filter(|value| refused.contains(value));
                assert_eq!(refused, None, "{key:?} at {ts}: this write was refused");
            }
        }
    }
}
