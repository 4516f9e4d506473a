//! The rules and groups that were made, kept over restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::form::{group_from_json, group_to_json, rule_from_json, rule_to_json};
use super::rule::{Group, Rule, RuleId};
use super::rules::{DEFAULT_GROUP, DEFAULT_ID, Rules, default_rule};
use crate::error::{Error, Result};
use crate::schedule_settings::ScheduleSettings;
use crate::storage::{Batch, Storage, keys};

/// One change of what is kept; several are made together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    PutRule(Rule),
    DeleteRule(RuleId),
    PutGroup(Group),
    DeleteGroup(String),
}

pub(crate) struct Placement {
    storage: Arc<Storage>,
    state: RwLock<State>,
}

#[derive(Clone, Default)]
struct State {
    /// `None` for the default rule that was deleted.
    rules: BTreeMap<RuleId, Option<Rule>>,
    groups: BTreeMap<String, Group>,
}

impl Placement {
    pub(crate) fn open(storage: Arc<Storage>) -> Result<Placement> {
        let mut state = State::default();
        let bad = || storage.corrupt_value("a placement rule is not understood");
        for value in storage.values_with_prefix(keys::RULE_PREFIX) {
            let kept: serde_json::Value = serde_json::from_slice(&value).map_err(|_| bad())?;
            if kept.is_null() {
                state.rules.insert(default_id(), None);
            } else {
                let rule = rule_from_json(&kept).map_err(|_| bad())?;
                state.rules.insert(rule.key(), Some(rule));
            }
        }
        for value in storage.values_with_prefix(keys::RULE_GROUP_PREFIX) {
            let kept = serde_json::from_slice(&value).map_err(|_| bad())?;
            let group = group_from_json(&kept).map_err(|_| bad())?;
            state.groups.insert(group.id.clone(), group);
        }
        Ok(Placement { storage, state: RwLock::new(state) })
    }

    /// The rules in force.
    pub(crate) fn rules(&self, settings: &ScheduleSettings) -> Rules {
        if !settings.enable_placement_rules {
            return Rules::from_settings(settings);
        }
        self.state.read().rules(settings)
    }

    /// Makes all changes durably, or none.
    pub(crate) fn change(&self, changes: Vec<Change>, settings: &ScheduleSettings, now_s: u64) -> Result<()> {
        if !settings.enable_placement_rules {
            return Err(Error::Refused("placement rules are disabled".to_owned()));
        }
        let mut state = self.state.write();
        let mut changed = state.clone();
        for change in changes.clone() {
            changed.apply(change, settings, now_s)?;
        }
        changed.rules(settings).check().map_err(Error::Invalid)?;
        self.storage.write(state.difference(&changed))?;
        tracing::info!(?changes, "placement rules changed");
        *state = changed;
        Ok(())
    }
}

fn default_id() -> RuleId {
    (DEFAULT_GROUP.to_owned(), DEFAULT_ID.to_owned())
}

impl State {
    fn rules(&self, settings: &ScheduleSettings) -> Rules {
        let mut all: BTreeMap<RuleId, Rule> = BTreeMap::new();
        all.insert(default_id(), default_rule(settings));
        for (id, rule) in &self.rules {
            match rule {
                Some(rule) => all.insert(id.clone(), rule.clone()),
                None => all.remove(id),
            };
        }
        Rules::new(&all, &self.groups)
    }

    fn apply(&mut self, change: Change, settings: &ScheduleSettings, now_s: u64) -> Result<()> {
        match change {
            Change::PutRule(mut rule) => {
                let id = rule.key();
                let known = self.rules.get(&id).cloned().flatten();
                (rule.version, rule.create_timestamp) =
                    known.map_or((0, now_s), |known| (known.version + 1, known.create_timestamp));
                self.rules.insert(id, Some(rule));
            }
            Change::DeleteRule(id) => {
                let known = self.rules(settings).all().iter().any(|rule| rule.key() == id);
                if !known {
                    return Err(Error::RuleNotFound(format!("{}/{}", id.0, id.1)));
                }
                if id == default_id() {
                    self.rules.insert(id, None)
                } else {
                    self.rules.remove(&id)
                };
            }
            Change::PutGroup(group) if group.is_default() => drop(self.groups.remove(&group.id)),
            Change::PutGroup(group) => drop(self.groups.insert(group.id.clone(), group)),
            Change::DeleteGroup(id) => drop(self.groups.remove(&id)),
        }
        Ok(())
    }

    /// What makes the durable state that of `to`.
    fn difference(&self, to: &State) -> Batch {
        let mut batch = Batch::default();
        for id in self.rules.keys().filter(|id| !to.rules.contains_key(*id)) {
            batch.delete(keys::rule(&id.0, &id.1));
        }
        for (id, rule) in to.rules.iter().filter(|(id, rule)| self.rules.get(*id) != Some(rule)) {
            let value = rule.as_ref().map_or(serde_json::Value::Null, rule_to_json);
            batch.put(keys::rule(&id.0, &id.1), value.to_string().into_bytes());
        }
        for id in self.groups.keys().filter(|id| !to.groups.contains_key(*id)) {
            batch.delete(keys::rule_group(id));
        }
        for (id, group) in to.groups.iter().filter(|(id, group)| self.groups.get(*id) != Some(group)) {
            batch.put(keys::rule_group(id), group_to_json(group).to_string().into_bytes());
        }
        batch
    }
}
