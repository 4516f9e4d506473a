//! What operators may set of scheduling, in PD's names, kept over restarts.
//!
//! A value is text, as `config set` takes it and `config show` prints it. Only what was set is stored, so that a default
//! may change with a release.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::storage::{Batch, Storage, keys};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScheduleSettings {
    /// Voters of a region.
    pub(crate) max_replicas: u64,
    /// Operators under way at once, by kind.
    pub(crate) leader_schedule_limit: u64,
    pub(crate) region_schedule_limit: u64,
    pub(crate) replica_schedule_limit: u64,
    /// Peers that come to a store in a minute, and peers that leave it.
    pub(crate) store_limit: u64,
    /// Peers of a store that was silent for so long are replaced.
    pub(crate) max_store_down_time: Duration,
    /// A store takes no more peers when this part of its disk, in percent, is used.
    pub(crate) low_space_percent: u64,
}

impl Default for ScheduleSettings {
    fn default() -> ScheduleSettings {
        ScheduleSettings {
            max_replicas: 3,
            leader_schedule_limit: 4,
            region_schedule_limit: 64,
            replica_schedule_limit: 64,
            store_limit: 15,
            max_store_down_time: Duration::from_secs(30 * 60),
            low_space_percent: 80,
        }
    }
}

/// Every name, in the order of `config show`; the first belongs to the section `replication`, the others to `schedule`.
pub(crate) const NAMES: [&str; 7] = [
    "max-replicas",
    "leader-schedule-limit",
    "region-schedule-limit",
    "replica-schedule-limit",
    "store-limit",
    "max-store-down-time",
    "low-space-ratio",
];

impl ScheduleSettings {
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let bad = |expected: &str| Error::Invalid(format!("{name} is {expected}, not {value:?}"));
        let within = |low: u64, high: u64| {
            let number = value.parse().ok().filter(|number| (low..=high).contains(number));
            number.ok_or_else(|| bad(&format!("a number from {low} to {high}")))
        };
        match name {
            "max-replicas" => self.max_replicas = within(1, 7)?,
            "leader-schedule-limit" => self.leader_schedule_limit = within(0, 10_000)?,
            "region-schedule-limit" => self.region_schedule_limit = within(0, 10_000)?,
            "replica-schedule-limit" => self.replica_schedule_limit = within(0, 10_000)?,
            "store-limit" => self.store_limit = within(1, 1_000_000)?,
            "max-store-down-time" => {
                let (low, high) = (Duration::from_secs(10), Duration::from_secs(30 * 86_400));
                let time = duration(value).filter(|time| (low..=high).contains(time));
                self.max_store_down_time = time.ok_or_else(|| bad("a time from 10s to 720h, such as 30m"))?;
            }
            "low-space-ratio" => {
                let ratio = value.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
                let ratio = ratio.ok_or_else(|| bad("a part from 0 to 1, such as 0.8"))?;
                self.low_space_percent = (ratio * 100.0).round() as u64;
            }
            _ => return Err(Error::UnknownSetting { name: name.to_owned(), known: NAMES.join(", ") }),
        }
        Ok(())
    }
}

/// `30m`, `1h30m`, `45s`.
fn duration(text: &str) -> Option<Duration> {
    let (mut seconds, mut number) = (0_u64, String::new());
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' => {
                number.push(letter);
                continue;
            }
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// The settings in force and where they are kept.
pub(crate) struct KeptSettings {
    storage: Arc<Storage>,
    state: RwLock<State>,
}

struct State {
    settings: ScheduleSettings,
    set: BTreeMap<String, String>,
}

impl KeptSettings {
    pub(crate) fn open(storage: Arc<Storage>) -> Result<KeptSettings> {
        let mut state = State { settings: ScheduleSettings::default(), set: BTreeMap::new() };
        let stored = storage.get(keys::SETTINGS).unwrap_or_default();
        for line in String::from_utf8_lossy(&stored).lines() {
            let kept = line.split_once('=').filter(|(name, value)| state.settings.set(name, value).is_ok());
            let (name, value) = kept.ok_or_else(|| storage.corrupt_value("a setting is not understood"))?;
            state.set.insert(name.to_owned(), value.to_owned());
        }
        Ok(KeptSettings { storage, state: RwLock::new(state) })
    }

    pub(crate) fn get(&self) -> ScheduleSettings {
        self.state.read().settings.clone()
    }

    /// Sets all of them durably, or none.
    pub(crate) fn set(&self, values: &[(String, String)]) -> Result<()> {
        let mut state = self.state.write();
        let (mut settings, mut set) = (state.settings.clone(), state.set.clone());
        for (name, value) in values {
            let name = name.strip_prefix("schedule.").or(name.strip_prefix("replication.")).unwrap_or(name);
            settings.set(name, value)?;
            set.insert(name.to_owned(), value.clone());
        }
        let lines: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut batch = Batch::default();
        batch.put(keys::SETTINGS, lines.join("\n").into_bytes());
        self.storage.write(batch)?;
        tracing::info!(?values, "settings changed");
        *state = State { settings, set };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn what_is_set_is_kept_and_nonsense_is_named() {
        let env = Simulation::new(1).env();
        let open =
            || KeptSettings::open(Arc::new(Storage::open(&env, "/pd").expect("opens"))).expect("reads");
        let set = |kept: &KeptSettings, name: &str, value: &str| kept.set(&[(name.into(), value.into())]);
        let kept = open();
        assert_eq!(kept.get(), ScheduleSettings::default());
        set(&kept, "replication.max-replicas", "5").expect("a number");
        set(&kept, "max-store-down-time", "1h30m").expect("a time");
        set(&kept, "low-space-ratio", "0.9").expect("a part");
        for (name, value) in [
            ("max-replicas", "0"),
            ("max-store-down-time", "9s"),
            ("max-store-down-time", "1"),
            ("low-space-ratio", "2"),
            ("location-labels", "zone"),
        ] {
            let refused = set(&kept, name, value).expect_err("refused").to_string();
            assert!(refused.contains(name), "{refused}");
        }
        drop(kept);
        let again = open().get();
        assert_eq!((again.max_replicas, again.max_store_down_time.as_secs()), (5, 5_400));
        assert_eq!(again.low_space_percent, 90);
    }
}
