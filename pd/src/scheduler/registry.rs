//! Which schedulers run, and how they are; kept over restarts, pauses excepted.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;

use super::Scheduler;
use crate::error::{Error, Result};
use crate::storage::{Batch, Storage, keys};

/// Schedulers that there are.
const NAMES: [&str; 8] = [
    "balance-leader-scheduler",
    "balance-region-scheduler",
    "balance-hot-region-scheduler",
    "evict-leader-scheduler",
    "grant-leader-scheduler",
    "evict-slow-store-scheduler",
    "shuffle-leader-scheduler",
    "shuffle-region-scheduler",
];
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// A scheduler in the list, with what happened to it last.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) scheduler: Scheduler,
    paused_until: Option<Monotonic>,
    pub(crate) last: State,
}

/// What a scheduler does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It has not been asked yet.
    New,
    Paused,
    /// It wants something done.
    Scheduling,
    /// Why it wants nothing.
    Idle(String),
    /// Why nothing of what it wants is done.
    Pending(String),
}

pub(crate) struct Schedulers {
    storage: Arc<Storage>,
    all: Mutex<Vec<Kept>>,
}

impl Schedulers {
    pub(crate) fn open(storage: Arc<Storage>) -> Result<Schedulers> {
        let new = |scheduler| Kept { scheduler, paused_until: None, last: State::New };
        let all = match storage.get(keys::SCHEDULERS) {
            None => vec![
                new(Scheduler::BalanceLeader),
                new(Scheduler::BalanceRegion),
                new(Scheduler::HotRegion),
                new(Scheduler::EvictSlowStore(Vec::new())),
            ],
            Some(stored) => {
                let text = String::from_utf8_lossy(&stored);
                let all: Option<Vec<Kept>> = text.lines().map(|line| decode(line).map(new)).collect();
                all.ok_or_else(|| storage.corrupt_value("a scheduler is not known"))?
            }
        };
        Ok(Schedulers { storage, all: Mutex::new(all) })
    }

    /// All of them, and whether each is paused.
    pub(crate) fn all(&self, now: Monotonic) -> Vec<Kept> {
        let mut all = self.all.lock().clone();
        for kept in all.iter_mut().filter(|kept| kept.is_paused(now)) {
            kept.last = State::Paused;
        }
        all
    }

    /// Starts a scheduler; another store for one that has stores is added to them.
    pub(crate) fn add(&self, name: &str, store_id: Option<u64>) -> Result<()> {
        let name = full_name(name);
        if !NAMES.contains(&name.as_str()) {
            return Err(Error::SchedulerNotFound(format!("{name} ({} exist)", NAMES.join(", "))));
        }
        let wanted = make(&name, store_id.into_iter().collect());
        let wanted = match (wanted, store_id) {
            (Some(Scheduler::EvictSlowStore(_)), Some(_)) => None,
            (wanted, _) => wanted,
        };
        let wanted = wanted.ok_or_else(|| {
            let text = if store_id.is_some() { "is for all stores" } else { "needs a store" };
            Error::Invalid(format!("{name} {text}"))
        })?;
        self.change(|all| {
            let opposed = all.iter().any(|kept| match (&kept.scheduler, &wanted) {
                (Scheduler::EvictLeader(stores), Scheduler::GrantLeader(more))
                | (Scheduler::GrantLeader(stores), Scheduler::EvictLeader(more)) => {
                    more.iter().any(|store_id| stores.contains(store_id))
                }
                _ => false,
            });
            if opposed {
                return Err(Error::Refused("another scheduler wants the opposite for the store".to_owned()));
            }
            let same = all.iter_mut().find(|kept| kept.scheduler.name() == name);
            match (same.map(|kept| &mut kept.scheduler), wanted) {
                (None, wanted) => all.push(Kept { scheduler: wanted, paused_until: None, last: State::New }),
                (Some(Scheduler::EvictLeader(stores)), Scheduler::EvictLeader(more))
                | (Some(Scheduler::GrantLeader(stores)), Scheduler::GrantLeader(more))
                    if !more.iter().any(|store_id| stores.contains(store_id)) =>
                {
                    stores.extend(more);
                }
                _ => return Err(Error::Refused(format!("scheduler {name} runs already"))),
            }
            Ok(())
        })
    }

    /// Notes which stores are slow.
    pub(crate) fn set_slow(&self, slow: Vec<u64>) -> Result<()> {
        self.change(|all| {
            for kept in all.iter_mut() {
                if let Scheduler::EvictSlowStore(stores) = &mut kept.scheduler {
                    stores.clone_from(&slow);
                }
            }
            Ok(())
        })
    }

    /// Ends a scheduler. `evict-leader-scheduler-4` ends it for store 4.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let full = full_name(name);
        let name = full.as_str();
        let (base, store_id) = match name.rsplit_once('-') {
            Some((base, number)) if NAMES.contains(&base) => (base, number.parse::<u64>().ok()),
            _ => (name, None),
        };
        self.change(|all| {
            let unknown = || Error::SchedulerNotFound(name.to_owned());
            let place = all.iter().position(|kept| kept.scheduler.name() == base).ok_or_else(unknown)?;
            if let (Scheduler::EvictLeader(stores) | Scheduler::GrantLeader(stores), Some(store_id)) =
                (&mut all[place].scheduler, store_id)
            {
                let index = stores.iter().position(|other| *other == store_id).ok_or_else(unknown)?;
                stores.remove(index);
                if !stores.is_empty() {
                    return Ok(());
                }
            } else if base != name {
                return Err(unknown());
            }
            all.remove(place);
            Ok(())
        })
    }

    /// Halts a scheduler, or all by the name `all`, for a time; none lets it go on.
    pub(crate) fn pause(&self, name: &str, time: Duration, now: Monotonic) -> Result<()> {
        if time > PAUSE_MAX {
            return Err(Error::Invalid(format!("a pause is at most {} s", PAUSE_MAX.as_secs())));
        }
        let full = full_name(name);
        let name = if name == "all" { name } else { full.as_str() };
        let mut all = self.all.lock();
        let mut found = false;
        for kept in all.iter_mut().filter(|kept| name == "all" || kept.scheduler.name() == name) {
            found = true;
            kept.paused_until = (!time.is_zero()).then(|| now + time);
        }
        if found { Ok(()) } else { Err(Error::SchedulerNotFound(name.to_owned())) }
    }

    /// Notes how a scheduler is.
    pub(crate) fn note(&self, name: &str, state: State) {
        if let Some(kept) = self.all.lock().iter_mut().find(|kept| kept.scheduler.name() == name) {
            kept.last = state;
        }
    }

    /// Changes the list durably, or not at all.
    fn change(&self, change: impl FnOnce(&mut Vec<Kept>) -> Result<()>) -> Result<()> {
        let mut all = self.all.lock();
        let mut changed = all.clone();
        change(&mut changed)?;
        let lines: Vec<String> = changed.iter().map(|kept| encode(&kept.scheduler)).collect();
        let mut batch = Batch::default();
        batch.put(keys::SCHEDULERS, lines.join("\n").into_bytes());
        self.storage.write(batch)?;
        *all = changed;
        Ok(())
    }
}

impl Kept {
    pub(crate) fn is_paused(&self, now: Monotonic) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// Seconds until it goes on.
    pub(crate) fn paused_for(&self, now: Monotonic) -> Option<u64> {
        self.paused_until.filter(|until| now < *until).map(|until| until.saturating_since(now).as_secs())
    }
}

/// `balance-leader` is short for `balance-leader-scheduler`.
pub(crate) fn full_name(name: &str) -> String {
    let (base, store) = match name.rsplit_once('-') {
        Some((base, number)) if number.parse::<u64>().is_ok() => (base, format!("-{number}")),
        _ => (name, String::new()),
    };
    let base = base.strip_suffix("-scheduler").unwrap_or(base);
    let base = if base == "hot-region" { "balance-hot-region" } else { base };
    format!("{base}-scheduler{store}")
}

fn make(name: &str, stores: Vec<u64>) -> Option<Scheduler> {
    let all = |scheduler: Scheduler| stores.is_empty().then_some(scheduler);
    let some = |make: fn(Vec<u64>) -> Scheduler| (!stores.is_empty()).then(|| make(stores.clone()));
    match name {
        "balance-leader-scheduler" => all(Scheduler::BalanceLeader),
        "balance-region-scheduler" => all(Scheduler::BalanceRegion),
        "balance-hot-region-scheduler" => all(Scheduler::HotRegion),
        "shuffle-leader-scheduler" => all(Scheduler::ShuffleLeader),
        "shuffle-region-scheduler" => all(Scheduler::ShuffleRegion),
        "evict-leader-scheduler" => some(Scheduler::EvictLeader),
        "grant-leader-scheduler" => some(Scheduler::GrantLeader),
        "evict-slow-store-scheduler" => Some(Scheduler::EvictSlowStore(stores)),
        _ => None,
    }
}

/// `evict-leader-scheduler 4 7`
fn encode(scheduler: &Scheduler) -> String {
    let mut line = scheduler.name().to_owned();
    scheduler.stores().iter().for_each(|store_id| line.push_str(&format!(" {store_id}")));
    line
}

fn decode(line: &str) -> Option<Scheduler> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let stores: Option<Vec<u64>> = words.map(|word| word.parse().ok()).collect();
    make(name, stores?)
}
