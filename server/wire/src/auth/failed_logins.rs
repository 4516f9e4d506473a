//! What failed logins cost: from the third on, the next one of the same account name and address waits.
//!
//! As MySQL's `connection_control` component does it: a second, doubled with every further failure, up to a maximum;
//! a login that succeeds forgets all. Logins that wait are let go one after the other, so trying from many connections
//! at once is no faster; more than [`WAITING_MAX`] of them, and those whose turn would come too late, are refused
//! unchecked. Names that do not exist are counted as those that do. Time comes in by argument.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures that cost nothing.
const FREE: u32 = 2;
const DELAY_MIN: Duration = Duration::from_secs(1);
/// Logins of one account and address that may wait for their turn.
const WAITING_MAX: u32 = 4;
/// Failures are forgotten this long after the last delay has ended.
const MEMORY: Duration = Duration::from_secs(600);
/// Accounts and addresses remembered. When all of them are fresh, the oldest gives way.
const ENTRIES_MAX: usize = 10_000;
/// MySQL's names are no longer; longer ones, which belong to nobody, are one.
const NAME_CHARS_MAX: usize = 32;

/// Whose failures they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    user: String,
    network: String,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    /// No login is checked before.
    until: Instant,
    waiting: u32,
}

/// When a login may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    /// The place is taken; [`FailedLogins::leave`] gives it back.
    At(Instant),
    /// Not in time.
    Never,
}

/// The failures of all accounts.
#[derive(Debug, Default)]
pub(crate) struct FailedLogins {
    by_origin: Mutex<HashMap<Origin, Failures>>,
}

impl Origin {
    pub(crate) fn new(user: &str, host: &str) -> Self {
        let user = if user.chars().count() > NAME_CHARS_MAX { "" } else { user };
        let network = host.parse().map_or_else(|_| host.to_owned(), |address| network(address).to_string());
        Self { user: user.to_owned(), network }
    }
}

/// The addresses that one client can choose from: of IPv6, whoever has one has 2^64.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

fn delay(count: u32, max: Duration) -> Duration {
    match count.checked_sub(FREE + 1) {
        Some(doublings) => DELAY_MIN.saturating_mul(1 << doublings.min(20)).min(max),
        None => Duration::ZERO,
    }
}

impl FailedLogins {
    /// Asks for a turn that begins within `patience`.
    pub(crate) fn enter(&self, origin: &Origin, now: Instant, patience: Duration, max: Duration) -> Turn {
        let mut entries = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failures) = entries.get_mut(origin).filter(|found| delay(found.count, max) > Duration::ZERO)
        else {
            return Turn::Now;
        };
        let turn = failures.until.max(now);
        if failures.waiting >= WAITING_MAX || turn.duration_since(now) >= patience {
            return Turn::Never;
        }
        failures.waiting += 1;
        failures.until = turn + delay(failures.count, max);
        Turn::At(turn)
    }

    /// The login that waited is checked now, or has given up.
    pub(crate) fn leave(&self, origin: &Origin) {
        let mut entries = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = entries.get_mut(origin) {
            failures.waiting = failures.waiting.saturating_sub(1);
        }
    }

    pub(crate) fn failed(&self, origin: Origin, now: Instant, max: Duration) {
        let mut entries = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(&origin) {
            make_room(&mut entries, now);
        }
        let failures = entries.entry(origin).or_insert(Failures { count: 0, until: now, waiting: 0 });
        if now.saturating_duration_since(failures.until) > MEMORY {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.until = failures.until.max(now + delay(failures.count, max));
    }

    pub(crate) fn succeeded(&self, origin: &Origin) {
        self.by_origin.lock().unwrap_or_else(PoisonError::into_inner).remove(origin);
    }
}

fn make_room(entries: &mut HashMap<Origin, Failures>, now: Instant) {
    entries.retain(|_, failures| now.saturating_duration_since(failures.until) <= MEMORY);
    if entries.len() >= ENTRIES_MAX
        && let Some(oldest) =
            entries.iter().min_by_key(|(_, failures)| failures.until).map(|(key, _)| key.clone())
    {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const MAX: Duration = Duration::from_secs(60);

    fn seconds(turn: Turn, now: Instant) -> Option<u64> {
        match turn {
            Turn::Now => Some(0),
            Turn::At(at) => Some(at.duration_since(now).as_secs()),
            Turn::Never => None,
        }
    }

    #[test]
    fn the_third_failure_costs_a_second_and_each_further_one_twice_as_much() {
        let logins = FailedLogins::default();
        let origin = Origin::new("root", "10.0.0.1");
        let mut now = Instant::now();
        let mut waited = Vec::new();
        for _ in 0..7 {
            let turn = logins.enter(&origin, now, PATIENCE, MAX);
            waited.push(seconds(turn, now));
            if let Turn::At(at) = turn {
                now = at;
                logins.leave(&origin);
            }
            if turn != Turn::Never {
                logins.failed(origin.clone(), now, MAX);
            }
        }
        assert_eq!(waited, [Some(0), Some(0), Some(0), Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(logins.enter(&origin, now, PATIENCE, MAX), Turn::Never, "16 s are more than a login has");
        now += MAX * 3;
        assert_eq!(seconds(logins.enter(&origin, now, PATIENCE, MAX), now), Some(0));
        logins.succeeded(&origin);
        assert_eq!(logins.enter(&origin, now, PATIENCE, MAX), Turn::Now);
    }

    #[test]
    fn many_at_once_come_one_after_the_other() {
        let logins = FailedLogins::default();
        let origin = Origin::new("root", "10.0.0.1");
        let now = Instant::now();
        for _ in 0..3 {
            logins.failed(origin.clone(), now, MAX);
        }
        let turns: Vec<_> = (0..6).map(|_| seconds(logins.enter(&origin, now, PATIENCE, MAX), now)).collect();
        assert_eq!(turns, [Some(1), Some(2), Some(3), Some(4), None, None]);
        for (user, host) in [("root", "10.0.0.2"), ("other", "10.0.0.1")] {
            assert_eq!(
                logins.enter(&Origin::new(user, host), now, PATIENCE, MAX),
                Turn::Now,
                "{user}@{host}"
            );
        }
        assert_eq!(logins.enter(&origin, now, PATIENCE, Duration::ZERO), Turn::Now, "turned off");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten() {
        let logins = FailedLogins::default();
        let mut now = Instant::now();
        for name in 0..ENTRIES_MAX + 100 {
            logins.failed(Origin::new(&name.to_string(), "::1"), now, MAX);
        }
        assert_eq!(logins.by_origin.lock().map(|entries| entries.len()).ok(), Some(ENTRIES_MAX));
        now += MEMORY + MAX;
        logins.failed(Origin::new("late", "::1"), now, MAX);
        assert_eq!(logins.by_origin.lock().map(|entries| entries.len()).ok(), Some(1));
        let long = "x".repeat(NAME_CHARS_MAX + 1);
        assert_eq!(Origin::new(&long, "a"), Origin::new(&format!("{long}y"), "a"));
    }

    #[test]
    fn an_ipv6_client_has_one_network() {
        assert_eq!(Origin::new("root", "2001:db8:0:1::1"), Origin::new("root", "2001:db8:0:1:ffff::2"));
        assert_ne!(Origin::new("root", "2001:db8:0:1::1"), Origin::new("root", "2001:db8:0:2::1"));
        assert_eq!(Origin::new("root", "::ffff:10.0.0.1"), Origin::new("root", "10.0.0.1"));
    }
}
