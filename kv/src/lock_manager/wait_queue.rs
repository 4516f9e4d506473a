//! The queues, as a state machine: calls change them, answers say whom to wake.
use std::collections::BTreeMap;

use rutile_kv_types::TimeStamp;

use super::deadlock_detector::{DeadlockDetector, WaitFor};

/// Waiters of a store. One more is refused and has to come again later, as if it had waited in vain.
pub(super) const WAITERS_MAX: usize = 1 << 14;

/// Names one waiter for as long as it waits.
pub(super) type WaiterId = u64;

/// A place in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The encoded key.
    pub key: Vec<u8>,
    pub start_ts: TimeStamp,
    pub id: WaiterId,
}

/// Waiters of one key. Never empty.
#[derive(Debug, Default)]
struct Queue {
    /// Oldest transaction first; the value is the holder it waits for, once it has seen one.
    waiters: BTreeMap<(TimeStamp, WaiterId), Option<TimeStamp>>,
    /// Number of the last release of the key.
    release: u64,
    /// A delay is running.
    delayed: bool,
}

/// Whom a release wakes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Woken {
    pub first: Option<WaiterId>,
    /// Start a delay and call [`WaitQueues::delay_over`] with this number.
    pub delay: Option<u64>,
}

/// How a delay goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delay {
    /// The key was released again meanwhile: another delay, with this number.
    Again(u64),
    Wake(Vec<WaiterId>),
}

/// What a waiter that found its key locked does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    Wait,
    /// The key was released since the look.
    LookAgain,
    Deadlock(Vec<WaitFor>),
}

#[derive(Debug, Default)]
pub(super) struct WaitQueues {
    queues: BTreeMap<Vec<u8>, Queue>,
    detector: DeadlockDetector,
    next_id: WaiterId,
    releases: u64,
    len: usize,
}

impl WaitQueues {
    /// Takes a place in the queue of `key`; `None` when too many wait.
    pub fn enter(&mut self, key: &[u8], start_ts: TimeStamp) -> Option<Place> {
        if self.len >= WAITERS_MAX {
            return None;
        }
        self.len += 1;
        self.next_id += 1;
        let id = self.next_id;
        self.queues.entry(key.to_vec()).or_default().waiters.insert((start_ts, id), None);
        Some(Place { key: key.to_vec(), start_ts, id })
    }

    /// Gives a place up.
    pub fn leave(&mut self, place: &Place) {
        let Some(queue) = self.queues.get_mut(&place.key) else {
            return;
        };
        if let Some(holder) = queue.waiters.remove(&(place.start_ts, place.id)) {
            self.len -= 1;
            if let Some(holder) = holder {
                self.detector.remove(place.start_ts, holder, &place.key);
            }
        }
        if queue.waiters.is_empty() {
            self.queues.remove(&place.key);
        }
    }

    /// The number to hand to [`WaitQueues::blocked`], to be asked for before the look.
    pub fn release_number(&self, place: &Place) -> u64 {
        self.queues.get(&place.key).map_or(0, |queue| queue.release)
    }

    /// A waiter looked when the last release was `release`, and found its key locked by `holder`.
    pub fn blocked(&mut self, place: &Place, release: u64, holder: TimeStamp) -> Blocked {
        let Some(queue) = self.queues.get_mut(&place.key) else {
            return Blocked::LookAgain;
        };
        let Some(known) = queue.waiters.get_mut(&(place.start_ts, place.id)) else {
            return Blocked::LookAgain;
        };
        if queue.release != release {
            return Blocked::LookAgain;
        }
        match wait_for(&mut self.detector, place, known, holder) {
            Ok(()) => Blocked::Wait,
            Err(circle) => Blocked::Deadlock(circle),
        }
    }

    /// Nobody holds `key` any more.
    pub fn released(&mut self, key: &[u8]) -> Woken {
        let Some(queue) = self.queues.get_mut(key) else {
            return Woken::default();
        };
        self.releases += 1;
        queue.release = self.releases;
        for ((start_ts, _), known) in &mut queue.waiters {
            if let Some(holder) = known.take() {
                self.detector.remove(*start_ts, holder, key);
            }
        }
        let first = queue.waiters.keys().next().map(|(_, id)| *id);
        let delay = (queue.waiters.len() > 1 && !queue.delayed).then_some(queue.release);
        queue.delayed |= delay.is_some();
        Woken { first, delay }
    }

    /// The delay after release number `release` is over.
    pub fn delay_over(&mut self, key: &[u8], release: u64) -> Delay {
        match self.queues.get_mut(key) {
            None => Delay::Wake(Vec::new()),
            Some(queue) if queue.release != release => Delay::Again(queue.release),
            Some(queue) => {
                queue.delayed = false;
                Delay::Wake(queue.waiters.keys().map(|(_, id)| *id).collect())
            }
        }
    }

    /// `holder` locked the key: all in the queue wait for it now. Answers those for whom that is a deadlock.
    pub fn locked(&mut self, key: &[u8], holder: TimeStamp) -> Vec<(WaiterId, Vec<WaitFor>)> {
        let mut deadlocks = Vec::new();
        let Some(queue) = self.queues.get_mut(key) else {
            return deadlocks;
        };
        for ((start_ts, id), known) in &mut queue.waiters {
            // The holder's own requests, repeated while one waited.
            if *start_ts == holder {
                continue;
            }
            let place = Place { key: key.to_vec(), start_ts: *start_ts, id: *id };
            if let Err(circle) = wait_for(&mut self.detector, &place, known, holder) {
                deadlocks.push((*id, circle));
            }
        }
        deadlocks
    }

    /// Whether anybody waits for the encoded `key`.
    pub fn is_awaited(&self, key: &[u8]) -> bool {
        self.queues.contains_key(key)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Who waits for whom.
    pub fn detector(&mut self) -> &mut DeadlockDetector {
        &mut self.detector
    }

    /// The waiters of this edge.
    pub fn waiters_of(&self, edge: &WaitFor) -> Vec<WaiterId> {
        let Some(queue) = self.queues.get(&edge.key) else {
            return Vec::new();
        };
        let own = queue.waiters.range((edge.waiter, WaiterId::MIN)..=(edge.waiter, WaiterId::MAX));
        own.filter(|(_, holder)| **holder == Some(edge.holder)).map(|((_, id), _)| *id).collect()
    }

    #[cfg(test)]
    pub fn edges(&self) -> usize {
        self.detector.len()
    }
}

/// Replaces the edge of a waiter.
fn wait_for(
    detector: &mut DeadlockDetector,
    place: &Place,
    known: &mut Option<TimeStamp>,
    holder: TimeStamp,
) -> Result<(), Vec<WaitFor>> {
    if *known == Some(holder) {
        return Ok(());
    }
    if let Some(former) = known.take() {
        detector.remove(place.start_ts, former, &place.key);
    }
    detector.add(WaitFor { waiter: place.start_ts, holder, key: place.key.clone() })?;
    *known = Some(holder);
    Ok(())
}
