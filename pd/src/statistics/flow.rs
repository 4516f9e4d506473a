//! Rates of single regions, from heartbeats.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_pd_client::RegionHeartbeat;

/// What was counted makes a rate once it covers so much time: heartbeats that follow one another at once say little.
const INTERVAL_MIN: Duration = Duration::from_secs(5);
/// A leader that told nothing for so long does not count any more.
const FORGET_AFTER: Duration = Duration::from_secs(180);
/// A region is hot from such a rate on.
const HOT_READ: Rate = Rate { bytes: 64 << 10, keys: 512 };
const HOT_WRITE: Rate = Rate { bytes: 16 << 10, keys: 128 };
/// It takes as many intervals to cool down as it took to become hot, at most so many.
const DEGREE_MAX: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Read,
    Write,
}

/// In a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) bytes: u64,
    pub(crate) keys: u64,
}

impl Rate {
    fn of(bytes: u64, keys: u64, time: Duration) -> Rate {
        let millis = time.as_millis().max(1);
        let per_second = |amount: u64| u64::try_from(u128::from(amount) * 1_000 / millis).unwrap_or(u64::MAX);
        Rate { bytes: per_second(bytes), keys: per_second(keys) }
    }

    /// Half of what was, half of what is: one odd interval is not taken for a trend.
    fn mix(self, new: Rate) -> Rate {
        Rate { bytes: self.bytes.midpoint(new.bytes), keys: self.keys.midpoint(new.keys) }
    }

    fn reaches(self, other: Rate) -> bool {
        self.bytes >= other.bytes || self.keys >= other.keys
    }

    pub(crate) fn plus(self, other: Rate) -> Rate {
        Rate { bytes: self.bytes.saturating_add(other.bytes), keys: self.keys.saturating_add(other.keys) }
    }
}

/// Traffic of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stream {
    /// Since the last rate.
    bytes: u64,
    keys: u64,
    rate: Rate,
    degree: u64,
}

impl Stream {
    fn close(&mut self, time: Duration, hot: Rate) {
        let new = Rate::of(self.bytes, self.keys, time);
        self.rate = if self.rate == Rate::default() { new } else { self.rate.mix(new) };
        (self.bytes, self.keys) = (0, 0);
        self.degree =
            if new.reaches(hot) { (self.degree + 1).min(DEGREE_MAX) } else { self.degree.saturating_sub(1) };
    }
}

/// What is known of one region.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RegionFlow {
    pub(crate) leader_store: u64,
    since: Monotonic,
    updated: Monotonic,
    /// Unix milliseconds of the last rate.
    pub(crate) updated_ms: u64,
    read: Stream,
    written: Stream,
}

impl RegionFlow {
    fn stream(&self, access: Access) -> &Stream {
        match access {
            Access::Read => &self.read,
            Access::Write => &self.written,
        }
    }

    pub(crate) fn rate(&self, access: Access) -> Rate {
        self.stream(access).rate
    }

    /// In how many intervals it was hot lately.
    pub(crate) fn degree(&self, access: Access) -> u64 {
        self.stream(access).degree
    }
}

#[derive(Default)]
pub(crate) struct Flows {
    by_region: Mutex<BTreeMap<u64, RegionFlow>>,
    /// When a hot region was moved last.
    moved: Mutex<Option<Monotonic>>,
}

/// Rates show what a move did after so much time.
const SETTLED_AFTER: Duration = Duration::from_secs(30);

impl Flows {
    /// Takes what a leader counted. Another leader begins anew: how long it counted is not known.
    pub(crate) fn told(&self, beat: &RegionHeartbeat, now: Monotonic, now_ms: u64) {
        let Some(leader) = &beat.leader else {
            return;
        };
        let mut by_region = self.by_region.lock();
        let new = || RegionFlow {
            leader_store: leader.store_id,
            since: now,
            updated: now,
            updated_ms: now_ms,
            read: Stream::default(),
            written: Stream::default(),
        };
        let Some(flow) = by_region.get_mut(&beat.region.id) else {
            by_region.insert(beat.region.id, new());
            return;
        };
        if flow.leader_store != leader.store_id {
            // Writes go on as they were, reads went elsewhere.
            *flow = RegionFlow { written: Stream { bytes: 0, keys: 0, ..flow.written }, ..new() };
            return;
        }
        flow.updated = now;
        for (stream, bytes, keys) in [
            (&mut flow.read, beat.bytes_read, beat.keys_read),
            (&mut flow.written, beat.bytes_written, beat.keys_written),
        ] {
            stream.bytes = stream.bytes.saturating_add(bytes);
            stream.keys = stream.keys.saturating_add(keys);
        }
        let time = now.saturating_since(flow.since);
        if time >= INTERVAL_MIN {
            flow.read.close(time, HOT_READ);
            flow.written.close(time, HOT_WRITE);
            (flow.since, flow.updated_ms) = (now, now_ms);
        }
    }

    /// Drops regions that are gone, or whose leaders are silent.
    pub(crate) fn forget(&self, is_known: impl Fn(u64) -> bool, now: Monotonic) {
        let stays = |region_id: &u64, flow: &mut RegionFlow| {
            is_known(*region_id) && now.saturating_since(flow.updated) < FORGET_AFTER
        };
        self.by_region.lock().retain(stays);
    }

    /// A hot region moves.
    pub(crate) fn note_move(&self, now: Monotonic) {
        *self.moved.lock() = Some(now);
    }

    /// Whether the rates show what the last move did.
    pub(crate) fn is_settled(&self, now: Monotonic) -> bool {
        self.moved.lock().is_none_or(|moved| now.saturating_since(moved) >= SETTLED_AFTER)
    }

    pub(crate) fn all(&self) -> BTreeMap<u64, RegionFlow> {
        self.by_region.lock().clone()
    }
}
