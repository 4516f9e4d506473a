//! The queues with futures and time around them.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Env;
use rutile_kv_types::{Cf, Lock, TimeStamp};
use tokio::sync::{Notify, mpsc};

use super::deadlock_detector::{EdgeChange, WaitFor};
use super::wait_queue::{Blocked, Delay, Place, WAITERS_MAX, WaitQueues, WaiterId};
use crate::pessimistic_locks::LockChange;
use crate::write_set::{Change, Changes, WriteSet};

/// How much later than the first in line the others are woken (TiKV's `wake-up-delay-duration`).
const WAKE_UP_DELAY: Duration = Duration::from_millis(20);

/// One waiting request.
#[derive(Default)]
struct Waiter {
    woken: Notify,
    deadlock: Mutex<Option<Vec<WaitFor>>>,
}

#[derive(Default)]
struct State {
    queues: WaitQueues,
    waiters: HashMap<WaiterId, Arc<Waiter>>,
    reports: Option<Reports>,
}

/// The way to whoever reports edges.
struct Reports {
    changes: mpsc::Sender<EdgeChange>,
    /// A change did not fit.
    is_behind: bool,
}

impl State {
    /// Hands on what changed between transactions that wait.
    fn report(&mut self) {
        let Some(reports) = &mut self.reports else {
            return;
        };
        for change in self.queues.detector().changes() {
            reports.is_behind |= reports.changes.try_send(change).is_err();
        }
    }

    fn wake(&self, id: WaiterId) {
        if let Some(waiter) = self.waiters.get(&id) {
            waiter.woken.notify_one();
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Number of waiters, so that whoever writes can see without a lock that nobody waits.
    waiting: AtomicUsize,
}

/// Waiting requests of a store. Cheap to clone.
#[derive(Clone)]
pub struct LockManager {
    env: Env,
    shared: Arc<Shared>,
}

/// A place in the queue of a key; dropping it leaves the queue.
pub struct Ticket {
    shared: Arc<Shared>,
    place: Place,
    waiter: Arc<Waiter>,
}

/// Locks that a command takes or removes on keys that somebody waits for.
#[derive(Default)]
pub struct LockChanges {
    /// Encoded keys; the holder is `None` when the lock is removed.
    changes: Vec<(Vec<u8>, Option<TimeStamp>)>,
}

/// What a waiter that found its key locked does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Wait {
    ForTurn,
    LookAgain,
}

impl LockManager {
    /// Nobody waits yet.
    pub fn new(env: Env) -> Self {
        LockManager { env, shared: Arc::default() }
    }

    /// Lines up for an encoded key; `None` when too many wait already. The caller looks at the key once more before
    /// it waits.
    pub fn enter(&self, key: &[u8], start_ts: TimeStamp) -> Option<Ticket> {
        let mut state = self.shared.state.lock();
        let place = state.queues.enter(key, start_ts)?;
        let waiter = Arc::new(Waiter::default());
        state.waiters.insert(place.id, waiter.clone());
        self.shared.waiting.store(state.queues.len(), Ordering::SeqCst);
        Some(Ticket { shared: self.shared.clone(), place, waiter })
    }

    /// What `writes`, and changes to locks in memory, will mean to waiters. Whoever enters later looks at the key after
    /// the latch of the writing command is passed on, and so sees the change itself.
    pub fn changes_of(&self, writes: &WriteSet, locks: &[LockChange]) -> LockChanges {
        let mut found = LockChanges::default();
        if self.waiting() == 0 {
            return found;
        }
        let state = self.shared.state.lock();
        for change in Changes::decode(writes.as_bytes()).map_while(Result::ok) {
            match change {
                Change::Delete { cf: Cf::Lock, key } if state.queues.is_awaited(key) => {
                    found.changes.push((key.to_vec(), None));
                }
                Change::Put { cf: Cf::Lock, key, value } if state.queues.is_awaited(key) => {
                    let holder = Lock::parse(value).ok().map(|lock| lock.start_ts);
                    found.changes.push((key.to_vec(), holder));
                }
                _ => {}
            }
        }
        for change in locks {
            match change {
                LockChange::Release(key) if state.queues.is_awaited(key.as_encoded()) => {
                    found.changes.push((key.as_encoded().to_vec(), None));
                }
                LockChange::Add(key, lock) if state.queues.is_awaited(key.as_encoded()) => {
                    found.changes.push((key.as_encoded().to_vec(), Some(lock.start_ts)));
                }
                _ => {}
            }
        }
        found
    }

    /// The changes are applied; the keys are still latched. `applied` is false when nobody knows whether they are:
    /// then waiters look for themselves.
    pub fn apply(&self, changes: LockChanges, applied: bool) {
        for (key, holder) in changes.changes {
            match holder {
                Some(holder) if applied => self.locked(&key, holder),
                _ => self.released(key),
            }
        }
    }

    fn released(&self, key: Vec<u8>) {
        let mut state = self.shared.state.lock();
        let woken = state.queues.released(&key);
        state.report();
        if let Some(first) = woken.first {
            state.wake(first);
        }
        drop(state);
        if let Some(mut release) = woken.delay {
            let manager = self.clone();
            let delay = async move {
                loop {
                    manager.env.clock.sleep(WAKE_UP_DELAY).await;
                    let mut state = manager.shared.state.lock();
                    match state.queues.delay_over(&key, release) {
                        Delay::Again(next) => release = next,
                        Delay::Wake(ids) => return ids.into_iter().for_each(|id| state.wake(id)),
                    }
                }
            };
            self.env.spawn.spawn("lock-wake-up-delay", Box::pin(delay));
        }
    }

    fn locked(&self, key: &[u8], holder: TimeStamp) {
        let mut state = self.shared.state.lock();
        for (id, circle) in state.queues.locked(key, holder) {
            if let Some(waiter) = state.waiters.get(&id) {
                *waiter.deadlock.lock() = Some(circle);
            }
            state.wake(id);
        }
        state.report();
    }

    /// From now on every change of an edge is sent to the receiver; all but the first are `None`.
    pub fn report_edges(&self) -> Option<mpsc::Receiver<EdgeChange>> {
        let mut state = self.shared.state.lock();
        if state.reports.is_some() {
            return None;
        }
        let (changes, receiver) = mpsc::channel(WAITERS_MAX);
        state.reports = Some(Reports { changes, is_behind: false });
        state.queues.detector().take_notes();
        Some(receiver)
    }

    /// All edges as they are now, to begin with; `changes` is what comes after them.
    pub fn edges(&self, changes: &mut mpsc::Receiver<EdgeChange>) -> Vec<WaitFor> {
        let mut state = self.shared.state.lock();
        while changes.try_recv().is_ok() {}
        if let Some(reports) = &mut state.reports {
            reports.is_behind = false;
        }
        state.queues.detector().edges()
    }

    /// Whether anybody waits for another transaction.
    pub fn has_edges(&self) -> bool {
        !self.shared.state.lock().queues.detector().is_empty()
    }

    /// Whether changes were lost, so that one has to begin again with [`LockManager::edges`].
    pub fn is_behind(&self) -> bool {
        self.shared.state.lock().reports.as_ref().is_some_and(|reports| reports.is_behind)
    }

    /// The last edge of the circle is one of this store: its waiter is told.
    pub fn close_circle(&self, circle: &[WaitFor]) {
        let Some(last) = circle.last() else {
            return;
        };
        let state = self.shared.state.lock();
        for id in state.queues.waiters_of(last) {
            if let Some(waiter) = state.waiters.get(&id) {
                *waiter.deadlock.lock() = Some(circle.to_vec());
            }
            state.wake(id);
        }
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::SeqCst)
    }
}

impl Ticket {
    /// The encoded key.
    pub fn key(&self) -> &[u8] {
        &self.place.key
    }

    /// To be called before each look at the key; the number belongs to [`Ticket::blocked`].
    pub fn before_look(&self) -> u64 {
        self.shared.state.lock().queues.release_number(&self.place)
    }

    /// The look found the key locked by `holder`. The error is the circle that waiting would close.
    pub fn blocked(&self, look: u64, holder: TimeStamp) -> Result<Wait, Vec<WaitFor>> {
        let mut state = self.shared.state.lock();
        let blocked = state.queues.blocked(&self.place, look, holder);
        state.report();
        match blocked {
            Blocked::Wait => Ok(Wait::ForTurn),
            Blocked::LookAgain => Ok(Wait::LookAgain),
            Blocked::Deadlock(circle) => Err(circle),
        }
    }

    /// Ends when it is time to look again, or with the circle that a new holder closed. Cancellation-safe.
    pub async fn turn(&self) -> Result<(), Vec<WaitFor>> {
        self.waiter.woken.notified().await;
        self.waiter.deadlock.lock().take().map_or(Ok(()), Err)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.queues.leave(&self.place);
        state.report();
        state.waiters.remove(&self.place.id);
        self.shared.waiting.store(state.queues.len(), Ordering::SeqCst);
    }
}
