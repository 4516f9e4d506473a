//! How long a leader may believe that nobody else leads.
//!
//! A round carries the moment it was sent. Every voter that answers it has heard of this leader at that moment or later,
//! and gives no vote to another for an election timeout, counted in its own ticks: 1 s, less one tick for rounding. The
//! lease is 700 ms, which is shorter also when both clocks are 10 % off.

use std::time::Duration;

use rutile_kv_env::Monotonic;

/// Ticks of raft. No two come closer together than this, also after a pause.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Elections take one to two times as many.
pub(super) const ELECTION_TICKS: usize = 10;
pub(super) const HEARTBEAT_TICKS: usize = 2;
const LEASE: Duration = Duration::from_millis(700);

/// Until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lease {
    #[default]
    None,
    Until(Monotonic),
    /// Nobody else has a vote.
    Always,
}

/// The name of the round that is sent now.
pub(super) fn round(now: Monotonic) -> Vec<u8> {
    nanos(now).to_be_bytes().to_vec()
}

impl Lease {
    /// Most members have answered the round.
    pub(super) fn extend(&mut self, round: &[u8]) {
        let Ok(sent) = round.try_into().map(u64::from_be_bytes) else {
            return;
        };
        let until = Monotonic::from_origin(Duration::from_nanos(sent)) + LEASE;
        *self = match *self {
            Lease::Until(before) => Lease::Until(before.max(until)),
            Lease::None | Lease::Always => Lease::Until(until),
        };
    }

    /// Nanoseconds of the monotonic clock at which it ends: 0 when there is none, the largest number when it never does.
    pub(super) fn end(self) -> u64 {
        match self {
            Lease::None => 0,
            Lease::Until(end) => nanos(end),
            Lease::Always => u64::MAX,
        }
    }
}

pub(super) fn nanos(at: Monotonic) -> u64 {
    u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX)
}
