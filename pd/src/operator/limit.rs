//! How fast peers may come to a store and leave it.
//!
//! Each direction of a store has a bucket of so many moves, filled up within a minute, as PD's store limit has it. Moving
//! a small region costs a fifth.

use std::collections::BTreeMap;

use rutile_kv_env::Monotonic;

use super::Step;

/// A move, so that a limit of one per minute gains one part in a millisecond.
const WHOLE: u64 = 60_000;
const SMALL: u64 = WHOLE / 5;
const SMALL_BYTES_MAX: u64 = 20 << 20;

/// Peers come to a store, or leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    In,
    Out,
}

struct Bucket {
    /// Parts of moves that may be made now.
    left: u64,
    at: Monotonic,
}

#[derive(Default)]
pub(super) struct StoreLimits {
    buckets: BTreeMap<(u64, Direction), Bucket>,
}

impl StoreLimits {
    /// Pays for all moves of the steps, or for none: then the store that has to wait.
    pub(super) fn pay(
        &mut self,
        steps: &[Step],
        bytes: u64,
        per_minute: &dyn Fn(u64, Direction) -> u64,
        now: Monotonic,
    ) -> Result<(), u64> {
        let cost = if bytes > SMALL_BYTES_MAX { WHOLE } else { SMALL };
        let moves: Vec<(u64, Direction)> = steps
            .iter()
            .filter_map(|step| match step {
                Step::AddLearner(peer) => Some((peer.store_id, Direction::In)),
                Step::Remove(peer) => Some((peer.store_id, Direction::Out)),
                _ => None,
            })
            .collect();
        for place in &moves {
            let per_minute = per_minute(place.0, place.1);
            let full = per_minute.saturating_mul(WHOLE);
            let bucket = self.buckets.entry(*place).or_insert(Bucket { left: full, at: now });
            let passed_ms = u64::try_from(now.saturating_since(bucket.at).as_millis()).unwrap_or(u64::MAX);
            let gained = passed_ms.saturating_mul(per_minute);
            *bucket = Bucket { left: bucket.left.saturating_add(gained).min(full), at: now };
            if bucket.left < cost {
                return Err(place.0);
            }
        }
        for place in moves {
            if let Some(bucket) = self.buckets.get_mut(&place) {
                bucket.left -= cost;
            }
        }
        Ok(())
    }
}
