//! Placement rules and their groups; all of it answers 412 while rules are disabled.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, number};
use super::key::{parameter, unhex};
use super::region::show_peer;
use crate::pd::Pd;
use crate::placement::{
    Change, Fit, Group, Rule, Rules, group_from_json, group_to_json, rule_from_json, rule_to_json,
};

fn in_force(pd: &Pd) -> Result<Rules, Failure> {
    let settings = pd.settings.get();
    if !settings.enable_placement_rules {
        let text = "placement rules are disabled".to_owned();
        return Err(Failure(StatusCode::PRECONDITION_FAILED, text));
    }
    Ok(pd.placement.rules(&settings))
}

fn list<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Page {
    Page(rules.into_iter().map(rule_to_json).collect())
}

fn parse(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::bad_request(format!("the body: {error}")))
}

fn parse_list(text: &str) -> Result<Vec<Value>, Failure> {
    match parse(text)? {
        Value::Array(values) => Ok(values),
        _ => Err(Failure::bad_request("the body is no list")),
    }
}

fn rule(sent: &Value) -> Result<Rule, Failure> {
    rule_from_json(sent).map_err(Failure::bad_request)
}

fn change(pd: &Pd, changes: Vec<Change>) -> Result<(), Failure> {
    in_force(pd)?;
    Ok(pd.placement.change(changes, &pd.settings.get(), pd.clock.unix_millis() / 1_000)?)
}

pub(super) async fn all(State(pd): State<Arc<Pd>>) -> Answer {
    Ok(list(in_force(&pd)?.all()))
}

/// Adds or changes all of them.
pub(super) async fn set_all(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let rules = parse_list(&text)?.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    change(&pd, rules.into_iter().map(Change::PutRule).collect())?;
    Ok(Page(json!("Update rules successfully.")))
}

/// `[{"action": "add", …a rule…}, {"action": "del", "group_id": …, "id": …, "delete_by_id_prefix": true}]`
pub(super) async fn batch(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let mut changes = Vec::new();
    for mut sent in parse_list(&text)? {
        let mut take = |name: &str| sent.as_object_mut().and_then(|fields| fields.remove(name));
        let action = take("action").unwrap_or_default();
        let by_prefix = take("delete_by_id_prefix").and_then(|flag| flag.as_bool()).unwrap_or(false);
        match action.as_str() {
            Some("add") if !by_prefix => changes.push(Change::PutRule(rule(&sent)?)),
            Some("del") => {
                let (group, id) = (sent["group_id"].as_str(), sent["id"].as_str());
                let missing = || Failure::bad_request("group_id or id is missing");
                let (group, id) = group.zip(id).ok_or_else(missing)?;
                let named = |known: &str| known == id || by_prefix && known.starts_with(id);
                let found = in_force(&pd)?;
                let found = found.all().iter().filter(|rule| rule.group_id == group && named(&rule.id));
                let before = changes.len();
                changes.extend(found.map(|rule| Change::DeleteRule(rule.key())));
                if changes.len() == before && !by_prefix {
                    return Err(crate::Error::RuleNotFound(format!("{group}/{id}")).into());
                }
            }
            _ => return Err(Failure::bad_request("action is add or del")),
        }
    }
    change(&pd, changes)?;
    Ok(Page(json!("Batch operations successfully.")))
}

pub(super) async fn of_group(State(pd): State<Arc<Pd>>, Path(group): Path<String>) -> Answer {
    Ok(list(in_force(&pd)?.all().iter().filter(|rule| rule.group_id == group)))
}

pub(super) async fn of_region(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let told = pd.cluster.region_by_id(number(&id)?)?;
    Ok(list(in_force(&pd)?.at(&told.region.start_key)))
}

/// Which peers serve which rule.
pub(super) async fn fit_of_region(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let told = pd.cluster.region_by_id(number(&id)?)?;
    in_force(&pd)?;
    let page = pd.look(|around| Ok(show_fit(&around.fit(&told))))?;
    Ok(Page(page))
}

fn show_fit(fit: &Fit<'_>) -> Value {
    let fits: Vec<Value> = fit
        .rules
        .iter()
        .map(|fit| {
            json!({
                "rule": rule_to_json(fit.rule),
                "peers": fit.peers.iter().map(show_peer).collect::<Value>(),
                "peers-different-role": fit.misplaced.iter().map(show_peer).collect::<Value>(),
                "isolation-score": fit.isolation,
                "witness-score": 0,
            })
        })
        .collect();
    let orphans: Value = fit.orphans.iter().map(show_peer).collect();
    json!({ "rule-fits": fits, "orphan-peers": orphans, "is-satisfied": fit.is_satisfied() })
}

pub(super) async fn of_key(State(pd): State<Arc<Pd>>, Path(key): Path<String>) -> Answer {
    Ok(list(in_force(&pd)?.at(&unhex(&key)?)))
}

pub(super) async fn one(State(pd): State<Arc<Pd>>, Path((group, id)): Path<(String, String)>) -> Answer {
    let rules = in_force(&pd)?;
    let found = rules.all().iter().find(|rule| rule.group_id == group && rule.id == id);
    Ok(Page(rule_to_json(found.ok_or_else(|| crate::Error::RuleNotFound(format!("{group}/{id}")))?)))
}

pub(super) async fn set(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    change(&pd, vec![Change::PutRule(rule(&parse(&text)?)?)])?;
    Ok(Page(json!("Update rule successfully.")))
}

pub(super) async fn delete(State(pd): State<Arc<Pd>>, Path(id): Path<(String, String)>) -> Answer {
    change(&pd, vec![Change::DeleteRule(id)])?;
    Ok(Page(json!("Delete rule successfully.")))
}

pub(super) async fn groups(State(pd): State<Arc<Pd>>) -> Answer {
    Ok(Page(in_force(&pd)?.groups().values().map(group_to_json).collect()))
}

pub(super) async fn group(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let groups = in_force(&pd)?.groups();
    let unknown = || Failure(StatusCode::NOT_FOUND, format!("group {id:?} of placement rules not found"));
    Ok(Page(group_to_json(groups.get(&id).ok_or_else(unknown)?)))
}

pub(super) async fn set_group(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let group = group_from_json(&parse(&text)?).map_err(Failure::bad_request)?;
    change(&pd, vec![Change::PutGroup(group)])?;
    Ok(Page(json!("Update rule group successfully.")))
}

/// Its rules stay, in a group without an index.
pub(super) async fn delete_group(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    change(&pd, vec![Change::DeleteGroup(id)])?;
    Ok(Page(json!("Delete rule group successfully.")))
}

/// A group with its rules.
fn bundle(rules: &Rules, group: &Group) -> Value {
    let of_group = rules.all().iter().filter(|rule| rule.group_id == group.id);
    json!({
        "group_id": group.id,
        "group_index": group.index,
        "group_override": group.overrides,
        "rules": of_group.map(rule_to_json).collect::<Value>(),
    })
}

pub(super) async fn bundles(State(pd): State<Arc<Pd>>) -> Answer {
    let rules = in_force(&pd)?;
    Ok(Page(rules.groups().values().map(|group| bundle(&rules, group)).collect()))
}

pub(super) async fn one_bundle(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let rules = in_force(&pd)?;
    let group = Group { id: id.clone(), ..Group::default() };
    Ok(Page(bundle(&rules, rules.groups().get(&id).unwrap_or(&group))))
}

/// Changes that make a group what the bundle says.
fn changes_of(rules: &Rules, sent: &Value) -> Result<Vec<Change>, Failure> {
    let id = sent["group_id"].as_str().ok_or_else(|| Failure::bad_request("group_id is missing"))?;
    let group = json!({ "id": id, "index": sent["group_index"], "override": sent["group_override"] });
    let mut changes = vec![Change::PutGroup(group_from_json(&group).map_err(Failure::bad_request)?)];
    let mut wanted = BTreeMap::new();
    for sent in sent["rules"].as_array().map_or(&[][..], Vec::as_slice) {
        let mut sent = sent.clone();
        if let Some(fields) = sent.as_object_mut() {
            let given = fields.entry("group_id").or_insert_with(|| json!(id));
            if *given != id {
                return Err(Failure::bad_request(format!("a rule of group {given} in the bundle of {id:?}")));
            }
        }
        let rule = rule(&sent)?;
        wanted.insert(rule.key(), rule);
    }
    let gone = rules.all().iter().filter(|rule| rule.group_id == id && !wanted.contains_key(&rule.key()));
    changes.extend(gone.map(|rule| Change::DeleteRule(rule.key())));
    changes.extend(wanted.into_values().map(Change::PutRule));
    Ok(changes)
}

/// Makes the groups what the bundles say; groups that are not among them go, unless `?partial=true`.
pub(super) async fn set_bundles(
    State(pd): State<Arc<Pd>>,
    RawQuery(query): RawQuery,
    text: String,
) -> Answer {
    let (rules, sent) = (in_force(&pd)?, parse_list(&text)?);
    let mut changes = Vec::new();
    if parameter(query.as_deref(), "partial") != Some("true") {
        let named = |id: &String| sent.iter().any(|bundle| bundle["group_id"] == *id);
        for id in rules.groups().into_keys().filter(|id| !named(id)) {
            changes.extend(changes_of(&rules, &json!({ "group_id": id }))?);
        }
    }
    for bundle in &sent {
        changes.extend(changes_of(&rules, bundle)?);
    }
    change(&pd, changes)?;
    Ok(Page(json!("Update rules and groups successfully.")))
}

pub(super) async fn set_bundle(State(pd): State<Arc<Pd>>, Path(id): Path<String>, text: String) -> Answer {
    let mut sent = parse(&text)?;
    if let Some(fields) = sent.as_object_mut()
        && *fields.entry("group_id").or_insert_with(|| json!(id)) != id
    {
        return Err(Failure::bad_request("the bundle is of another group"));
    }
    let changes = changes_of(&in_force(&pd)?, &sent)?;
    change(&pd, changes)?;
    Ok(Page(json!("Update group and rules successfully.")))
}

pub(super) async fn delete_bundle(
    State(pd): State<Arc<Pd>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    if parameter(query.as_deref(), "regexp").is_some() {
        return Err(Failure::bad_request("groups by a pattern are not supported"));
    }
    let changes = changes_of(&in_force(&pd)?, &json!({ "group_id": id }))?;
    change(&pd, changes)?;
    Ok(Page(json!("Delete group and rules successfully.")))
}
