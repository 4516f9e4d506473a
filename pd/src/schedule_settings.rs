//! What operators may set of scheduling, in PD's names, kept over restarts.
//!
//! A value is text, as `config set` takes it and `config show` prints it. Only what was set is stored, so that a default
//! may change with a release.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::storage::{Batch, Storage, keys};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScheduleSettings {
    /// Voters of a region, where placement rules do not say otherwise.
    pub(crate) max_replicas: u64,
    /// Keys of labels, the widest place first: peers of a region are kept apart in this order.
    pub(crate) location_labels: Vec<String>,
    /// One of the location labels: two peers of a region never share a place of this level. Empty for none.
    pub(crate) isolation_level: String,
    /// A store without all location labels is not taken.
    pub(crate) strictly_match_label: bool,
    /// Whether placement rules say where peers go; the settings above alone otherwise.
    pub(crate) enable_placement_rules: bool,
    /// Operators under way at once, by kind.
    pub(crate) leader_schedule_limit: u64,
    pub(crate) region_schedule_limit: u64,
    pub(crate) replica_schedule_limit: u64,
    pub(crate) hot_region_schedule_limit: u64,
    /// A region is hot after so many reports with much traffic.
    pub(crate) hot_region_cache_hits_threshold: u64,
    /// Merges under way at once. None, and so no merge, before somebody sets it: long simulation has to come first.
    pub(crate) merge_schedule_limit: u64,
    /// Regions of up to this size and so many keys are merged into a neighbour.
    pub(crate) max_merge_region_size_mib: u64,
    pub(crate) max_merge_region_keys: u64,
    /// A region that was split is not merged for so long.
    pub(crate) split_merge_interval: Duration,
    /// Regions of different tables may be merged.
    pub(crate) enable_cross_table_merge: bool,
    /// Regions are merged into their right neighbour only.
    pub(crate) enable_one_way_merge: bool,
    /// Peers that come to a store in a minute, and peers that leave it.
    pub(crate) store_limit_add_peer: u64,
    pub(crate) store_limit_remove_peer: u64,
    /// Peers of a store that was silent for so long are replaced.
    pub(crate) max_store_down_time: Duration,
    /// A store takes no more peers when this part of its disk, in percent, is used.
    pub(crate) low_space_percent: u64,
    /// A store takes no more peers when so many of its peers wait for their data.
    pub(crate) max_pending_peer_count: u64,
    /// What checkers may do.
    pub(crate) enable_remove_down_replica: bool,
    pub(crate) enable_replace_offline_replica: bool,
    pub(crate) enable_make_up_replica: bool,
    pub(crate) enable_remove_extra_replica: bool,
    pub(crate) enable_location_replacement: bool,
}

impl Default for ScheduleSettings {
    fn default() -> ScheduleSettings {
        ScheduleSettings {
            max_replicas: 3,
            location_labels: Vec::new(),
            isolation_level: String::new(),
            strictly_match_label: false,
            enable_placement_rules: true,
            leader_schedule_limit: 4,
            region_schedule_limit: 64,
            replica_schedule_limit: 64,
            hot_region_schedule_limit: 4,
            hot_region_cache_hits_threshold: 3,
            store_limit_add_peer: 15,
            store_limit_remove_peer: 15,
            merge_schedule_limit: 0,
            max_merge_region_size_mib: 54,
            max_merge_region_keys: 540_000,
            split_merge_interval: Duration::from_secs(3_600),
            enable_cross_table_merge: true,
            enable_one_way_merge: false,
            max_store_down_time: Duration::from_secs(30 * 60),
            low_space_percent: 80,
            max_pending_peer_count: 64,
            enable_remove_down_replica: true,
            enable_replace_offline_replica: true,
            enable_make_up_replica: true,
            enable_remove_extra_replica: true,
            enable_location_replacement: true,
        }
    }
}

/// Names of the section `replication`, in the order of `config show`.
const REPLICATION: [&str; 5] =
    ["max-replicas", "location-labels", "isolation-level", "strictly-match-label", "enable-placement-rules"];

/// Names of the section `schedule`.
const SCHEDULE: [&str; 21] = [
    "leader-schedule-limit",
    "region-schedule-limit",
    "replica-schedule-limit",
    "hot-region-schedule-limit",
    "hot-region-cache-hits-threshold",
    "merge-schedule-limit",
    "max-merge-region-size",
    "max-merge-region-keys",
    "split-merge-interval",
    "enable-cross-table-merge",
    "enable-one-way-merge",
    "store-limit-add-peer",
    "store-limit-remove-peer",
    "max-store-down-time",
    "low-space-ratio",
    "max-pending-peer-count",
    "enable-remove-down-replica",
    "enable-replace-offline-replica",
    "enable-make-up-replica",
    "enable-remove-extra-replica",
    "enable-location-replacement",
];

/// Both limits of stores at once.
const STORE_LIMIT: &str = "store-limit";

/// Where a setting is kept, and what it may be.
enum Slot<'a> {
    Number(&'a mut u64, u64, u64),
    /// In whole percent; shown and set as a part of 1.
    Part(&'a mut u64),
    Time(&'a mut Duration, Duration, Duration),
    Flag(&'a mut bool),
    /// Keys of labels.
    Labels(&'a mut Vec<String>),
    Label(&'a mut String),
}

impl Slot<'_> {
    /// Takes a value, or says what it expects.
    fn set(self, value: &str) -> std::result::Result<(), String> {
        match self {
            Slot::Number(number, low, high) => {
                let given = value.parse().ok().filter(|given| (low..=high).contains(given));
                *number = given.ok_or_else(|| format!("a number from {low} to {high}"))?;
            }
            Slot::Part(percent) => {
                let given = value.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
                let part = given.ok_or_else(|| "a part from 0 to 1, such as 0.8".to_owned())?;
                *percent = (part * 100.0).round() as u64;
            }
            Slot::Time(time, low, high) => {
                let given = duration(value).filter(|given| (low..=high).contains(given));
                let bounds = || format!("a time from {}s to {}s, such as 30m", low.as_secs(), high.as_secs());
                *time = given.ok_or_else(bounds)?;
            }
            Slot::Flag(flag) => *flag = value.parse().map_err(|_| "true or false".to_owned())?,
            Slot::Labels(labels) => {
                let given: Vec<String> = value
                    .split(',')
                    .map(str::trim)
                    .filter(|key| !key.is_empty())
                    .map(str::to_owned)
                    .collect();
                let mut sorted = given.clone();
                sorted.sort_unstable();
                sorted.dedup();
                if sorted.len() != given.len() || !given.iter().all(|key| is_label_key(key)) {
                    return Err("a list of different label keys, such as zone,rack,host".to_owned());
                }
                *labels = given;
            }
            Slot::Label(label) if value.is_empty() || is_label_key(value) => *label = value.to_owned(),
            Slot::Label(_) => return Err("the key of a label".to_owned()),
        }
        Ok(())
    }

    /// As PD shows it: times and flags are text.
    fn show(self) -> Value {
        match self {
            Slot::Number(number, ..) => json!(*number),
            Slot::Part(percent) => json!(*percent as f64 / 100.0),
            Slot::Time(time, ..) => json!(crate::api::duration(time.as_secs())),
            Slot::Flag(flag) => json!(flag.to_string()),
            Slot::Labels(labels) => json!(labels.join(",")),
            Slot::Label(label) => json!(*label),
        }
    }
}

/// Letters, digits and `-_./$`, as PD has it.
pub(crate) fn is_label_key(key: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_./$".contains(letter);
    !key.is_empty() && key.chars().all(fits)
}

impl ScheduleSettings {
    fn slot(&mut self, name: &str) -> Option<Slot<'_>> {
        const COUNT_MAX: u64 = 1_000_000;
        let (down_low, down_high) = (Duration::from_secs(10), Duration::from_secs(30 * 86_400));
        Some(match name {
            "max-replicas" => Slot::Number(&mut self.max_replicas, 1, 7),
            "location-labels" => Slot::Labels(&mut self.location_labels),
            "isolation-level" => Slot::Label(&mut self.isolation_level),
            "strictly-match-label" => Slot::Flag(&mut self.strictly_match_label),
            "enable-placement-rules" => Slot::Flag(&mut self.enable_placement_rules),
            "leader-schedule-limit" => Slot::Number(&mut self.leader_schedule_limit, 0, COUNT_MAX),
            "region-schedule-limit" => Slot::Number(&mut self.region_schedule_limit, 0, COUNT_MAX),
            "replica-schedule-limit" => Slot::Number(&mut self.replica_schedule_limit, 0, COUNT_MAX),
            "hot-region-schedule-limit" => Slot::Number(&mut self.hot_region_schedule_limit, 0, COUNT_MAX),
            "hot-region-cache-hits-threshold" => {
                Slot::Number(&mut self.hot_region_cache_hits_threshold, 1, 1_000)
            }
            "merge-schedule-limit" => Slot::Number(&mut self.merge_schedule_limit, 0, COUNT_MAX),
            "max-merge-region-size" => Slot::Number(&mut self.max_merge_region_size_mib, 0, 1 << 20),
            "max-merge-region-keys" => Slot::Number(&mut self.max_merge_region_keys, 0, u64::MAX),
            "split-merge-interval" => {
                Slot::Time(&mut self.split_merge_interval, Duration::ZERO, Duration::from_secs(30 * 86_400))
            }
            "enable-cross-table-merge" => Slot::Flag(&mut self.enable_cross_table_merge),
            "enable-one-way-merge" => Slot::Flag(&mut self.enable_one_way_merge),
            "store-limit-add-peer" => Slot::Number(&mut self.store_limit_add_peer, 1, COUNT_MAX),
            "store-limit-remove-peer" => Slot::Number(&mut self.store_limit_remove_peer, 1, COUNT_MAX),
            "max-store-down-time" => Slot::Time(&mut self.max_store_down_time, down_low, down_high),
            "low-space-ratio" => Slot::Part(&mut self.low_space_percent),
            "max-pending-peer-count" => Slot::Number(&mut self.max_pending_peer_count, 1, COUNT_MAX),
            "enable-remove-down-replica" => Slot::Flag(&mut self.enable_remove_down_replica),
            "enable-replace-offline-replica" => Slot::Flag(&mut self.enable_replace_offline_replica),
            "enable-make-up-replica" => Slot::Flag(&mut self.enable_make_up_replica),
            "enable-remove-extra-replica" => Slot::Flag(&mut self.enable_remove_extra_replica),
            "enable-location-replacement" => Slot::Flag(&mut self.enable_location_replacement),
            _ => return None,
        })
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let unknown = || Error::UnknownSetting { name: name.to_owned(), known: String::new() };
        let slot = self.slot(name).ok_or_else(unknown)?;
        let refuse = |expected: String| Error::Invalid(format!("{name} is {expected}, not {value:?}"));
        slot.set(value).map_err(refuse)
    }

    fn check(&self) -> Result<()> {
        let level = &self.isolation_level;
        if level.is_empty() || self.location_labels.contains(level) {
            return Ok(());
        }
        let labels = self.location_labels.join(",");
        Err(Error::Invalid(format!(
            "isolation-level is one of the location-labels {labels:?}, not {level:?}"
        )))
    }

    fn section(&self, names: &[&str]) -> Value {
        let mut copy = self.clone();
        names.iter().filter_map(|name| Some(((*name).to_owned(), copy.slot(name)?.show()))).collect()
    }

    /// Settings by name, of the section `replication`.
    pub(crate) fn replication(&self) -> Value {
        self.section(&REPLICATION)
    }

    /// Settings by name, of the section `schedule`.
    pub(crate) fn schedule(&self) -> Value {
        self.section(&SCHEDULE)
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
            let bad = || storage.corrupt_value("a setting is not understood");
            let (name, value) = line.split_once('=').ok_or_else(bad)?;
            for name in expand(name)? {
                state.settings.set(name, value).map_err(|_| bad())?;
                state.set.insert((*name).to_owned(), value.to_owned());
            }
        }
        Ok(KeptSettings { storage, state: RwLock::new(state) })
    }

    pub(crate) fn get(&self) -> ScheduleSettings {
        self.state.read().settings.clone()
    }

    /// Sets all of them durably, or none.
    pub(crate) fn set(&self, values: &[(String, String)]) -> Result<()> {
        let mut state = self.state.write();
        let mut set = state.set.clone();
        let mut settings = state.settings.clone();
        for (name, value) in values {
            for name in expand(without_section(name))? {
                settings.set(name, value)?;
                set.insert(name.to_owned(), value.clone());
            }
        }
        settings.check()?;
        self.keep(&mut state, State { settings, set })?;
        tracing::info!(?values, "settings changed");
        Ok(())
    }

    /// Brings a setting back to its default.
    pub(crate) fn reset(&self, name: &str) -> Result<()> {
        let mut state = self.state.write();
        let (mut settings, mut set) = (ScheduleSettings::default(), state.set.clone());
        for name in expand(without_section(name))? {
            set.remove(name);
        }
        for (name, value) in &set {
            settings.set(name, value)?;
        }
        settings.check()?;
        self.keep(&mut state, State { settings, set })?;
        tracing::info!(name, "setting has its default again");
        Ok(())
    }

    fn keep(&self, state: &mut State, changed: State) -> Result<()> {
        let lines: Vec<String> = changed.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut batch = Batch::default();
        batch.put(keys::SETTINGS, lines.join("\n").into_bytes());
        self.storage.write(batch)?;
        *state = changed;
        Ok(())
    }
}

fn without_section(name: &str) -> &str {
    name.strip_prefix("schedule.").or(name.strip_prefix("replication.")).unwrap_or(name)
}

/// The settings that a name stands for.
fn expand(name: &str) -> Result<Vec<&'static str>> {
    if name == STORE_LIMIT {
        return Ok(vec!["store-limit-add-peer", "store-limit-remove-peer"]);
    }
    let mut all = REPLICATION.iter().chain(&SCHEDULE);
    if let Some(known) = all.find(|known| **known == name) {
        return Ok(vec![known]);
    }
    let known = REPLICATION.iter().chain(&SCHEDULE).copied().collect::<Vec<_>>().join(", ");
    Err(Error::UnknownSetting { name: name.to_owned(), known })
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
            ("location-labels", "zone,zone"),
            ("isolation-level", "zone"),
            ("strictly-match-label", "perhaps"),
            ("nosuch", "1"),
        ] {
            let refused = set(&kept, name, value).expect_err("refused").to_string();
            assert!(refused.contains(name), "{refused}");
        }
        set(&kept, "location-labels", "zone, host").expect("labels");
        set(&kept, "isolation-level", "host").expect("one of them");
        assert!(set(&kept, "location-labels", "").is_err(), "the level would be none of them");
        set(&kept, "store-limit", "7").expect("both");
        kept.reset("store-limit-add-peer").expect("known");
        assert_eq!((kept.get().store_limit_add_peer, kept.get().store_limit_remove_peer), (15, 7));
        assert!(kept.reset("nosuch").is_err() && kept.reset("location-labels").is_err());
        assert_eq!(kept.get().replication()["location-labels"], "zone,host");
        assert_eq!(kept.get().schedule()["enable-make-up-replica"], "true");
        drop(kept);
        let again = open().get();
        assert_eq!((again.isolation_level.as_str(), again.store_limit_remove_peer), ("host", 7));
        assert_eq!((again.max_replicas, again.max_store_down_time.as_secs()), (5, 5_400));
        assert_eq!(again.low_space_percent, 90);
    }
}
