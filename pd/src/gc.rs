//! The GC safe point: versions that no snapshot at or after it can see may be removed. It only moves forward.
//!
//! Services that read old snapshots (a backup, a change feed, clients in other processes) hold it back, each with a
//! timestamp and a time to live, so that one that died does not hold it forever. What the owner of garbage collection
//! (`gc_worker`) announced itself is part of the minimum that everybody is told, and no hold against its own moves.
//! Holds end by the wall clock: a jump forward ends them early, and their readers then get an error, not wrong data.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_env::{Clock, Env};
use rutile_kv_types::TimeStamp;

use crate::error::{Error, Result};
use crate::storage::{Batch, Storage, keys};

/// The service id of the owner; it exists from the start and never expires.
const OWNER: &str = "gc_worker";
/// How far ahead of the wall clock a safe point may be: timestamps run ahead of it a little, and clocks differ.
const AHEAD_MS_MAX: u64 = 3_600_000;
/// Services that may hold the safe point at once.
const HOLDS_MAX: usize = 4096;
/// Longest service id.
const SERVICE_ID_BYTES_MAX: usize = 256;

/// A service that holds the safe point back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) service_id: String,
    pub(crate) safe_point: TimeStamp,
    /// Unix milliseconds; `u64::MAX` is never.
    pub(crate) expires_ms: u64,
}

impl Hold {
    /// Seconds left, as the wire counts them.
    pub(crate) fn ttl_s(&self, now_ms: u64) -> i64 {
        match self.expires_ms {
            u64::MAX => i64::MAX,
            expires_ms => i64::try_from(expires_ms.saturating_sub(now_ms) / 1000).unwrap_or(i64::MAX),
        }
    }
}

pub(crate) struct GcSafePoint {
    clock: Arc<dyn Clock>,
    storage: Arc<Storage>,
    /// Also orders the writers, so that the stored value never goes back.
    state: Mutex<State>,
}

struct State {
    current: TimeStamp,
    holds: BTreeMap<String, Hold>,
}

impl GcSafePoint {
    pub(crate) fn open(env: &Env, storage: Arc<Storage>) -> Result<GcSafePoint> {
        let current = TimeStamp::new(storage.get_u64(keys::GC_SAFE_POINT)?.unwrap_or(0));
        let holds = storage.gc_holds()?.into_iter().map(|hold| (hold.service_id.clone(), hold)).collect();
        let state = Mutex::new(State { current, holds });
        Ok(GcSafePoint { clock: env.clock.clone(), storage, state })
    }

    pub(crate) fn get(&self) -> TimeStamp {
        self.state.lock().current
    }

    /// Who holds it back now.
    pub(crate) fn holds(&self) -> Vec<Hold> {
        let now_ms = self.clock.unix_millis();
        self.state.lock().holds.values().filter(|hold| hold.expires_ms > now_ms).cloned().collect()
    }

    /// Moves it to `safe_point`, but not past what a service holds; answers the one in force, which may be another. It
    /// never goes back, so one in the future is refused: no read would be possible until then.
    pub(crate) fn advance(&self, safe_point: TimeStamp) -> Result<TimeStamp> {
        let now_ms = self.clock.unix_millis();
        if safe_point.physical() > now_ms.saturating_add(AHEAD_MS_MAX) {
            return Err(Error::Invalid(format!("the GC safe point {safe_point} would be in the future")));
        }
        let mut state = self.state.lock();
        let target = state.bound(now_ms).map_or(safe_point, |bound| bound.min(safe_point));
        if target > state.current {
            let mut batch = Batch::default();
            batch.put_u64(keys::GC_SAFE_POINT, target.into_inner());
            self.storage.write(batch)?;
            state.current = target;
        }
        Ok(state.current)
    }

    /// Holds the safe point back for `ttl_s` seconds, or no more when that is zero or less. Not applied when
    /// `safe_point` is behind what binds already. Answers the hold that binds most, and its seconds left.
    pub(crate) fn hold(&self, service_id: &str, ttl_s: i64, safe_point: TimeStamp) -> Result<(Hold, i64)> {
        if service_id.is_empty() || service_id.len() > SERVICE_ID_BYTES_MAX {
            let text =
                format!("a service id has 1 to {SERVICE_ID_BYTES_MAX} bytes, not {}", service_id.len());
            return Err(Error::Invalid(text));
        }
        let now_ms = self.clock.unix_millis();
        let mut state = self.state.lock();
        let mut batch = Batch::default();
        state.holds.retain(|_, hold| {
            let lives = hold.expires_ms > now_ms;
            if !lives {
                batch.delete(keys::gc_hold(&hold.service_id));
            }
            lives
        });
        if ttl_s <= 0 {
            if state.holds.remove(service_id).is_some() {
                batch.delete(keys::gc_hold(service_id));
            }
        } else if safe_point >= state.minimum().safe_point {
            let is_new = !state.holds.contains_key(service_id);
            if is_new && state.holds.len() >= HOLDS_MAX {
                return Err(Error::Invalid(format!("{HOLDS_MAX} services hold the GC safe point already")));
            }
            let expires_ms = match ttl_s.unsigned_abs().checked_mul(1000) {
                Some(ttl_ms) if service_id != OWNER => now_ms.saturating_add(ttl_ms),
                _ => u64::MAX,
            };
            let hold = Hold { service_id: service_id.to_owned(), safe_point, expires_ms };
            batch.put_gc_hold(&hold);
            state.holds.insert(service_id.to_owned(), hold);
        }
        self.storage.write(batch)?;
        let minimum = state.minimum();
        let ttl_s = minimum.ttl_s(now_ms);
        Ok((minimum, ttl_s))
    }
}

impl State {
    /// How far the safe point may move; `None` when nobody holds it.
    fn bound(&self, now_ms: u64) -> Option<TimeStamp> {
        let others = self.holds.values().filter(|hold| hold.service_id != OWNER && hold.expires_ms > now_ms);
        others.map(|hold| hold.safe_point).min()
    }

    /// The hold that binds most, the owner's among them.
    fn minimum(&self) -> Hold {
        let owner = Hold {
            service_id: OWNER.to_owned(),
            safe_point: self.holds.get(OWNER).map_or(self.current, |hold| hold.safe_point.max(self.current)),
            expires_ms: u64::MAX,
        };
        let others = self.holds.values().filter(|hold| hold.service_id != OWNER);
        others.cloned().chain([owner]).min_by_key(|hold| hold.safe_point).expect("the owner is always there")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use rutile_kv_env::Simulation;

    use super::*;

    fn open(simulation: &Simulation) -> GcSafePoint {
        let env = simulation.env();
        let storage = Arc::new(Storage::open(&env, Path::new("/pd")).expect("opens"));
        GcSafePoint::open(&env, storage).expect("opens")
    }

    fn ts(inner: u64) -> TimeStamp {
        TimeStamp::new(inner)
    }

    /// Service and safe point that bind after a request.
    fn hold(gc: &GcSafePoint, service_id: &str, ttl_s: i64, safe_point: u64) -> (String, u64) {
        let (hold, _) = gc.hold(service_id, ttl_s, ts(safe_point)).expect("writes");
        (hold.service_id, hold.safe_point.into_inner())
    }

    #[test]
    fn a_hold_stops_the_safe_point_until_it_is_given_up() {
        let simulation = Simulation::new(1);
        let gc = open(&simulation);
        assert_eq!(hold(&gc, "backup", 60, 50), (OWNER.to_owned(), 0));
        assert_eq!(hold(&gc, OWNER, i64::MAX, 90), ("backup".to_owned(), 50));
        assert_eq!(gc.advance(ts(90)).expect("writes"), ts(50));
        assert_eq!(hold(&gc, "backup", 60, 70), ("backup".to_owned(), 70));
        assert_eq!(gc.advance(ts(90)).expect("writes"), ts(70));
        assert_eq!(hold(&gc, "backup", 0, 0), (OWNER.to_owned(), 90));
        assert_eq!(gc.advance(ts(90)).expect("writes"), ts(90));
    }

    #[test]
    fn a_hold_behind_what_binds_is_not_taken() {
        let simulation = Simulation::new(2);
        let gc = open(&simulation);
        gc.advance(ts(100)).expect("writes");
        assert_eq!(hold(&gc, "late", 60, 99), (OWNER.to_owned(), 100));
        assert_eq!(gc.advance(ts(200)).expect("writes"), ts(200), "nothing was held");
        assert!(gc.hold("", 60, ts(300)).is_err());
        assert!(gc.hold(&"x".repeat(SERVICE_ID_BYTES_MAX + 1), 60, ts(300)).is_err());
    }

    #[test]
    fn a_safe_point_in_the_future_is_refused() {
        let simulation = Simulation::new(5);
        let gc = open(&simulation);
        let now_ms = simulation.env().clock.unix_millis();
        for far in [TimeStamp::compose(now_ms + 2 * AHEAD_MS_MAX, 0), TimeStamp::MAX] {
            assert!(matches!(gc.advance(far), Err(Error::Invalid(_))));
        }
        let soon = TimeStamp::compose(now_ms + 3_000, 0);
        assert_eq!(gc.advance(soon).expect("a timestamp window ahead"), soon);
    }

    #[test]
    fn a_hold_ends_with_its_time() {
        let simulation = Simulation::new(3);
        let gc = open(&simulation);
        hold(&gc, "feed", 10, 50);
        simulation.clock().advance(Duration::from_secs(9));
        assert_eq!(gc.advance(ts(90)).expect("writes"), ts(50));
        simulation.clock().advance(Duration::from_secs(1));
        assert_eq!(gc.advance(ts(90)).expect("writes"), ts(90));
    }

    #[test]
    fn safe_point_and_holds_survive_a_crash_and_never_go_back() {
        let simulation = Simulation::new(4);
        let gc = open(&simulation);
        hold(&gc, "backup", 60, 50);
        gc.advance(ts(40)).expect("writes");
        drop(gc);
        simulation.disk().crash(0);
        let gc = open(&simulation);
        assert_eq!(gc.get(), ts(40));
        assert_eq!(gc.advance(ts(30)).expect("writes"), ts(40));
        assert_eq!(gc.advance(ts(90)).expect("writes"), ts(50));
        assert_eq!(hold(&gc, "backup", -1, 0), (OWNER.to_owned(), 50));
        drop(gc);
        simulation.disk().crash(0);
        assert_eq!(open(&simulation).advance(ts(90)).expect("writes"), ts(90), "given up for good");
    }
}
