//! The rules in force: which of them apply to a key, and whether they make sense together.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::rule::{Group, Role, Rule, RuleId};
use crate::schedule_settings::ScheduleSettings;

/// The rule that follows the settings.
pub(crate) const DEFAULT_GROUP: &str = "pd";
pub(crate) const DEFAULT_ID: &str = "default";
/// Peers that all rules of a key may ask for.
const PEERS_MAX: usize = 16;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// In the order in which they apply.
    rules: Vec<Rule>,
    groups: BTreeMap<String, Group>,
}

/// What the settings ask for where no rule says otherwise.
pub(super) fn default_rule(settings: &ScheduleSettings) -> Rule {
    Rule {
        group_id: DEFAULT_GROUP.to_owned(),
        id: DEFAULT_ID.to_owned(),
        index: 0,
        overrides: false,
        start_key: Bytes::new(),
        end_key: Bytes::new(),
        role: Role::Voter,
        count: usize::try_from(settings.max_replicas).unwrap_or(usize::MAX),
        constraints: Vec::new(),
        location_labels: settings.location_labels.clone(),
        isolation_level: settings.isolation_level.clone(),
        version: 0,
        create_timestamp: 0,
    }
}

impl Rules {
    /// The settings alone.
    pub(crate) fn from_settings(settings: &ScheduleSettings) -> Rules {
        Rules { rules: vec![default_rule(settings)], groups: BTreeMap::new() }
    }

    pub(super) fn new(rules: &BTreeMap<RuleId, Rule>, groups: &BTreeMap<String, Group>) -> Rules {
        let group_index = |rule: &Rule| groups.get(&rule.group_id).map_or(0, |group| group.index);
        let mut rules: Vec<Rule> = rules.values().cloned().collect();
        rules.sort_by(|one, other| {
            let key = |rule: &Rule| (group_index(rule), rule.group_id.clone(), rule.index, rule.id.clone());
            key(one).cmp(&key(other))
        });
        Rules { rules, groups: groups.clone() }
    }

    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// Groups that have a rule or were made.
    pub(crate) fn groups(&self) -> BTreeMap<String, Group> {
        let mut groups = self.groups.clone();
        for rule in &self.rules {
            let group = || Group { id: rule.group_id.clone(), ..Group::default() };
            groups.entry(rule.group_id.clone()).or_insert_with(group);
        }
        groups
    }

    /// The rules that apply at an encoded key.
    pub(crate) fn at(&self, key: &[u8]) -> Vec<&Rule> {
        let mut applied: Vec<&Rule> = Vec::new();
        // Where the rules of the present group begin among them.
        let mut group_start = 0;
        for rule in self.rules.iter().filter(|rule| rule.covers(key)) {
            let same = applied.last().is_some_and(|last| last.group_id == rule.group_id);
            if !same {
                if self.groups.get(&rule.group_id).is_some_and(|group| group.overrides) {
                    applied.clear();
                }
                group_start = applied.len();
            }
            if rule.overrides {
                applied.truncate(group_start);
            }
            applied.push(rule);
        }
        applied
    }

    /// Bounds of rules strictly inside a range, ascending: a region never lies across one.
    pub(crate) fn boundaries(&self, start: &[u8], end: &[u8]) -> Vec<Bytes> {
        let inside =
            |key: &&Bytes| !key.is_empty() && key.as_ref() > start && (end.is_empty() || key.as_ref() < end);
        let bounds = self.rules.iter().flat_map(|rule| [&rule.start_key, &rule.end_key]);
        let mut keys: Vec<Bytes> = bounds.filter(inside).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Every key has peers that can lead, and not more leaders than one.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut starts = vec![Bytes::new()];
        starts.extend(self.boundaries(&[], &[]));
        for start in starts {
            let rules = self.at(&start);
            let count = |wanted: fn(Role) -> bool| -> usize {
                rules.iter().filter(|rule| wanted(rule.role)).map(|rule| rule.count).sum()
            };
            let key = start.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
            let place =
                if key.is_empty() { "at the first key".to_owned() } else { format!("from key {key} on") };
            if count(|role| matches!(role, Role::Voter | Role::Leader)) == 0 {
                return Err(format!("no rule asks for a voter that may lead {place}"));
            }
            if count(|role| role == Role::Leader) > 1 {
                return Err(format!("rules ask for several leaders {place}"));
            }
            if count(|_| true) > PEERS_MAX {
                return Err(format!("rules ask for more than {PEERS_MAX} peers {place}"));
            }
        }
        Ok(())
    }
}
