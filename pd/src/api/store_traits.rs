//! What is set of stores by hand: labels, weights, limits.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, body, number};
use super::key::parameter;
use super::store::show;
use crate::cluster::{STORE_STATES, StoreTraits, weight};
use crate::operator::Direction;
use crate::pd::Pd;
use crate::schedule_settings::is_label_key;

/// `{"zone": "a"}` adds or changes labels, an empty value takes one away; `?force=true` takes all others away.
pub(super) async fn set_labels(
    State(pd): State<Arc<Pd>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    text: String,
) -> Answer {
    let asked = body(&text)?;
    let mut labels = Vec::new();
    for (key, value) in asked.as_object().into_iter().flatten() {
        let value = value.as_str().filter(|value| value.is_empty() || is_label_key(value));
        let value = value.ok_or_else(|| Failure::bad_request(format!("the value of {key} is no label")))?;
        if !is_label_key(key) {
            return Err(Failure::bad_request(format!("{key:?} is no key of a label")));
        }
        labels.push((key.clone(), value.to_owned()));
    }
    let only = parameter(query.as_deref(), "force") == Some("true");
    pd.cluster.set_labels(number(&id)?, &labels, only)?;
    Ok(Page(json!("The store's label is updated.")))
}

/// `["zone"]`, or a key alone.
pub(super) async fn delete_labels(State(pd): State<Arc<Pd>>, Path(id): Path<String>, text: String) -> Answer {
    let id = number(&id)?;
    let asked: Value =
        serde_json::from_str(&text).map_err(|error| Failure::bad_request(format!("the body: {error}")))?;
    let keys = asked.as_array().map_or(std::slice::from_ref(&asked), Vec::as_slice);
    let (store, _) = pd.cluster.store(id)?;
    let mut labels = Vec::new();
    for key in keys {
        let known = store.labels.iter().find(|(known, _)| Some(known.as_str()) == key.as_str());
        let (known, _) = known.ok_or_else(|| {
            Failure::bad_request(format!("store {id} has no label {}", key.as_str().unwrap_or("?")))
        })?;
        labels.push((known.clone(), String::new()));
    }
    pd.cluster.set_labels(id, &labels, false)?;
    Ok(Page(json!("The label is deleted.")))
}

/// `{"leader": 1, "region": 0.5}`
pub(super) async fn set_weight(State(pd): State<Arc<Pd>>, Path(id): Path<String>, text: String) -> Answer {
    let id = number(&id)?;
    pd.cluster.store(id)?;
    let asked = body(&text)?;
    let given = |name: &str| -> Result<u64, Failure> {
        let given = asked[name].as_f64();
        Ok(weight(given.ok_or_else(|| Failure::bad_request(format!("{name} is missing, or no number")))?)?)
    };
    let (leader_weight, region_weight) = (given("leader")?, given("region")?);
    pd.cluster.change_traits(
        |store| store.id == id,
        |traits| (traits.leader_weight, traits.region_weight) = (leader_weight, region_weight),
    )?;
    Ok(Page(json!("The store's weight is updated.")))
}

/// The rate of a body, and whether it is for peers that come and for those that leave.
fn asked_limit(asked: &Value, query: Option<&str>) -> Result<(u64, Vec<Direction>), Failure> {
    if parameter(query, "ttlSecond").is_some() {
        return Err(Failure::bad_request("a limit for a time is not supported"));
    }
    let rate = asked["rate"].as_f64().filter(|rate| (1.0..=1_000_000.0).contains(rate));
    let rate = rate.ok_or_else(|| Failure::bad_request("rate is a number from 1 to 1000000"))?;
    let directions = match asked["type"].as_str() {
        None => vec![Direction::In, Direction::Out],
        Some("add-peer") => vec![Direction::In],
        Some("remove-peer") => vec![Direction::Out],
        Some(other) => return Err(Failure::bad_request(format!("{other:?} is no type of a limit"))),
    };
    Ok((rate as u64, directions))
}

fn put(traits: &mut StoreTraits, directions: &[Direction], limit: Option<u64>) {
    for direction in directions {
        match direction {
            Direction::In => traits.add_peer = limit,
            Direction::Out => traits.remove_peer = limit,
        }
    }
}

/// `{"rate": 5, "type": "add-peer"}`; both types without one.
pub(super) async fn set_limit(
    State(pd): State<Arc<Pd>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    text: String,
) -> Answer {
    let id = number(&id)?;
    pd.cluster.store(id)?;
    let (rate, directions) = asked_limit(&body(&text)?, query.as_deref())?;
    pd.cluster.change_traits(|store| store.id == id, |traits| put(traits, &directions, Some(rate)))?;
    Ok(Page(json!("The store's limit is updated.")))
}

/// The same for all stores, those that come later included; with `labels`, for the stores that have them now.
pub(super) async fn set_limits(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery, text: String) -> Answer {
    let asked = body(&text)?;
    let (rate, directions) = asked_limit(&asked, query.as_deref())?;
    if let Some(labels) = asked["labels"].as_array() {
        let wanted: Vec<(&str, &str)> = labels
            .iter()
            .filter_map(|label| Some((label["key"].as_str()?, label["value"].as_str()?)))
            .collect();
        if wanted.len() != labels.len() || wanted.is_empty() {
            return Err(Failure::bad_request("labels have a key and a value"));
        }
        let has = |store: &rutile_pd_client::Store| {
            let of = |(key, value): &(&str, &str)| {
                store.labels.iter().any(|(known, of)| known == key && of == value)
            };
            wanted.iter().all(of)
        };
        let count = pd.cluster.change_traits(has, |traits| put(traits, &directions, Some(rate)))?;
        return Ok(Page(json!(format!("The limit of {count} stores is updated."))));
    }
    let names = directions.iter().map(|direction| match direction {
        Direction::In => "store-limit-add-peer",
        Direction::Out => "store-limit-remove-peer",
    });
    let values: Vec<(String, String)> = names.map(|name| (name.to_owned(), rate.to_string())).collect();
    pd.settings.set(&values)?;
    pd.cluster.change_traits(|_| true, |traits| put(traits, &directions, None))?;
    Ok(Page(json!("The limit of all stores is updated.")))
}

pub(super) async fn limits(State(pd): State<Arc<Pd>>) -> Answer {
    let settings = pd.settings.get();
    let limits = pd.cluster.stores(false)?.into_iter().map(|store| {
        let traits = pd.cluster.store_traits(store.id);
        let of = |direction| traits.limit(direction, &settings);
        let limit = json!({ "add-peer": of(Direction::In), "remove-peer": of(Direction::Out) });
        (store.id.to_string(), limit)
    });
    Ok(Page(limits.collect()))
}

/// Stores in states that are asked for by name: `up`, `disconnected`, `down`, `offline`, `tombstone`.
pub(super) async fn check(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let query = query.unwrap_or_default();
    let mut wanted = BTreeSet::new();
    for state in query.split('&').filter_map(|pair| pair.strip_prefix("state=")) {
        let known = STORE_STATES.into_iter().find(|known| known.eq_ignore_ascii_case(state));
        let known = known.ok_or_else(|| Failure::bad_request(format!("{state:?} is no state of a store")))?;
        wanted.insert(known);
    }
    let views = pd.cluster.store_views(pd.settings.get().max_store_down_time)?;
    let found: Vec<Value> = views
        .iter()
        .filter(|view| wanted.contains(view.state_name()))
        .map(|view| show(view, pd.moves.of(view.store.id)))
        .collect();
    Ok(Page(json!({ "count": found.len(), "stores": found })))
}

/// Every label that a store has.
pub(super) async fn labels(State(pd): State<Arc<Pd>>) -> Answer {
    let stores = pd.cluster.stores(false)?;
    let all: BTreeSet<&(String, String)> = stores.iter().flat_map(|store| &store.labels).collect();
    Ok(Page(all.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()))
}

/// Stores with a label, `?name=zone&value=a`; any value without one.
pub(super) async fn labelled(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let (name, value) = (parameter(query.as_deref(), "name"), parameter(query.as_deref(), "value"));
    let name = name.ok_or_else(|| Failure::bad_request("name is missing"))?;
    let wanted = |key: &str, of: &str| {
        key == name && value.filter(|value| !value.is_empty()).is_none_or(|value| value == of)
    };
    let views = pd.cluster.store_views(pd.settings.get().max_store_down_time)?;
    let found: Vec<Value> = views
        .iter()
        .filter(|view| view.store.labels.iter().any(|(key, of)| wanted(key, of)))
        .filter(|view| view.store.state != rutile_pd_client::StoreState::Tombstone)
        .map(|view| show(view, pd.moves.of(view.store.id)))
        .collect();
    Ok(Page(json!({ "count": found.len(), "stores": found })))
}
