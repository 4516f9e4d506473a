//! Operators: those under way, how one ended, and new ones that a person asks for.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use rutile_kv_types::{Key, Peer, PeerRole, Region};
use rutile_pd_client::RegionHeartbeat;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, body, field, number, time};
use super::key::unhex;
use crate::checker::{Surroundings, merge_into};
use crate::error::Error;
use crate::operator::{
    End, Ended, Kind, Operator, Running, Step, add_peer, leads, move_peer, relocate, remove_peer,
};
use crate::pd::Pd;

fn show(running: &Running) -> Value {
    let operator = &running.operator;
    let steps: Vec<String> = operator.steps.iter().map(Step::to_string).collect();
    json!({
        "region_id": operator.region_id,
        "name": operator.name,
        "kind": operator.kind.name(),
        "reason": operator.reason,
        "created_at": time(running.created_ms),
        "current_step": running.current,
        "steps": steps,
        "epoch": { "conf_ver": running.epoch.conf_ver, "version": running.epoch.version },
        "status": "RUNNING",
    })
}

fn show_ended(ended: &Ended) -> Value {
    let mut shown = show(&ended.running);
    let (status, why) = match &ended.end {
        End::Success => ("SUCCESS", None),
        End::Timeout => ("TIMEOUT", None),
        End::Replaced => ("REPLACED", None),
        End::Cancelled(why) => ("CANCELED", Some(why)),
    };
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("status".to_owned(), json!(status));
        fields.insert("ended_at".to_owned(), json!(time(ended.ended_ms)));
        fields.extend(why.map(|why| ("cancel_reason".to_owned(), json!(why))));
    }
    shown
}

/// Those under way; of one kind if asked.
pub(super) async fn operators(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let kind = super::key::parameter(query.as_deref(), "kind");
    let known = ["admin", "leader", "merge", "region", "hot-region", "replica"];
    if let Some(other) = kind.filter(|kind| !known.contains(kind)) {
        return Err(Failure::bad_request(format!("{other:?} is no kind of operator")));
    }
    let wanted = |running: &&Running| kind.is_none_or(|kind| running.operator.kind.name() == kind);
    Ok(Page(pd.operators.running().iter().filter(wanted).map(show).collect()))
}

/// The last that ended, newest first.
pub(super) async fn records(State(pd): State<Arc<Pd>>) -> Page {
    Page(pd.operators.ended().iter().map(show_ended).collect())
}

/// The operator of a region, or its last one.
pub(super) async fn of_region(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let id = number(&id)?;
    let running = pd.operators.running().into_iter().find(|running| running.operator.region_id == id);
    if let Some(running) = running {
        return Ok(Page(show(&running)));
    }
    let ended = pd.operators.ended().into_iter().find(|ended| ended.running.operator.region_id == id);
    Ok(Page(show_ended(&ended.ok_or(Error::OperatorNotFound(id))?)))
}

pub(super) async fn remove(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let id = number(&id)?;
    if !pd.operators.cancel(id, "removed by hand", pd.clock.unix_millis()) {
        return Err(Error::OperatorNotFound(id).into());
    }
    Ok(Page(json!("The pending operator is canceled.")))
}

pub(super) async fn create(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let asked = body(&text)?;
    let name = asked["name"].as_str().ok_or_else(|| Failure::bad_request("name is missing"))?;
    if name == "scatter-region" {
        let region_id = field(&asked, "region_id")?;
        pd.cluster.region_by_id(region_id)?;
        let outcome = pd.scatter(asked["group"].as_str().unwrap_or_default(), &[region_id])?;
        return match outcome.failed.into_iter().next() {
            Some((_, reason)) => Err(Error::Refused(reason).into()),
            None => Ok(Page(json!("The operator is created."))),
        };
    }
    if name == "merge-region" {
        return merge(&pd, &asked);
    }
    let told = pd.cluster.region_by_id(field(&asked, "region_id")?)?;
    let (name, steps) = steps(&pd, name, &asked, &told)?;
    if steps.is_empty() {
        return Err(Failure::bad_request("the region is as it shall be"));
    }
    let reason = "asked for by hand".to_owned();
    let operator = Operator { region_id: told.region.id, kind: Kind::Admin, name, reason, steps };
    pd.begin(operator, &told, &pd.settings.get()).map_err(|reason| Failure::from(Error::Refused(reason)))?;
    if let Some(step) = pd.operators.advance(&told, pd.clock.now(), pd.clock.unix_millis()) {
        pd.push(&told, &step);
    }
    Ok(Page(json!("The operator is created.")))
}

/// Voters on these stores and no others; the leader stays where it can.
fn transfer_region(pd: &Pd, asked: &Value, told: &RegionHeartbeat) -> Result<Vec<Step>, Failure> {
    let stores = asked["to_store_ids"].as_array().map_or(&[][..], Vec::as_slice);
    let stores: Option<Vec<u64>> = stores.iter().map(Value::as_u64).collect();
    let mut stores = stores.ok_or_else(|| Failure::bad_request("to_store_ids is a list of numbers"))?;
    let first = *stores.first().ok_or_else(|| Failure::bad_request("to_store_ids is missing"))?;
    stores.sort_unstable();
    stores.dedup();
    if asked.get("peer_roles").is_some_and(|roles| roles.as_array().is_none_or(|roles| !roles.is_empty())) {
        return Err(Failure::bad_request("roles of peers are not supported"));
    }
    let voters = told.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter);
    let (stay, mut go): (Vec<&Peer>, Vec<&Peer>) = voters.partition(|peer| stores.contains(&peer.store_id));
    // Of those that are too many, the leader goes last.
    go.sort_by_key(|peer| leads(told, peer));
    let mut steps = Vec::new();
    let mut moves = Vec::new();
    let mut olds = go.into_iter().rev().collect::<Vec<_>>();
    for store_id in stores.iter().filter(|store_id| !stay.iter().any(|peer| peer.store_id == **store_id)) {
        let new = Peer { id: pd.new_id()?, store_id: target(pd, told, *store_id)?, role: PeerRole::Learner };
        match olds.pop() {
            Some(old) => moves.push((old.clone(), new)),
            None => steps.extend(add_peer(new)),
        }
    }
    let leader_store = told.leader.as_ref().map_or(first, |leader| leader.store_id);
    let leader_store = if stores.contains(&leader_store) { leader_store } else { first };
    steps.extend(relocate(told, &moves, leader_store));
    steps.extend(olds.into_iter().rev().map(|old| Step::Remove(old.clone())));
    Ok(steps)
}

/// Two operators, one for each region.
fn merge(pd: &Pd, asked: &Value) -> Answer {
    let source = pd.cluster.region_by_id(field(asked, "source_region_id")?)?;
    let target = pd.cluster.region_by_id(field(asked, "target_region_id")?)?;
    let (left, right) = (&source.region, &target.region);
    let touch = |one: &Region, other: &Region| !one.end_key.is_empty() && one.end_key == other.start_key;
    if !touch(left, right) && !touch(right, left) {
        let text = format!("regions {} and {} are no neighbours", left.id, right.id);
        return Err(Failure::bad_request(text));
    }
    let settings = pd.settings.get();
    if settings.merge_schedule_limit == 0 {
        return Err(Error::Refused("merging is switched off, merge-schedule-limit is 0".to_owned()).into());
    }
    let stores = pd.cluster.store_views(settings.max_store_down_time)?;
    let (rules, no_leaders) = (pd.placement.rules(&settings), pd.no_leaders());
    let around =
        Surroundings { stores: &stores, settings: &settings, rules: &rules, no_leaders: &no_leaders };
    let steps = merge_into(&source, &target, &around, &mut || pd.new_id())?;
    let Some(steps) = steps else {
        let text = format!("the peers of regions {} and {} can not be made to match", left.id, right.id);
        return Err(Failure::bad_request(text));
    };
    let merge = steps.into_merge(Kind::Admin, "merge-region", "asked for by hand".to_owned());
    pd.begin_merge(merge, &settings).map_err(|reason| Failure::from(Error::Refused(reason)))?;
    if let Some(step) = pd.operators.advance(&source, pd.clock.now(), pd.clock.unix_millis()) {
        pd.push(&source, &step);
    }
    Ok(Page(json!("The operator is created.")))
}

fn steps(
    pd: &Pd,
    name: &str,
    asked: &Value,
    told: &RegionHeartbeat,
) -> Result<(&'static str, Vec<Step>), Failure> {
    let region_id = told.region.id;
    let peer_on = |field_name: &str| -> Result<Peer, Failure> {
        let store_id = field(asked, field_name)?;
        let peer = told.region.peer_on_store(store_id).cloned();
        peer.ok_or_else(|| {
            Failure::bad_request(format!("region {region_id} has no peer on store {store_id}"))
        })
    };
    let new_on = |field_name: &str| -> Result<Peer, Failure> {
        let store_id = target(pd, told, field(asked, field_name)?)?;
        Ok(Peer { id: pd.new_id()?, store_id, role: PeerRole::Learner })
    };
    let settings = pd.settings.get();
    let stores = pd.cluster.store_views(settings.max_store_down_time)?;
    let (rules, no_leaders) = (pd.placement.rules(&settings), pd.no_leaders());
    let around =
        Surroundings { stores: &stores, settings: &settings, rules: &rules, no_leaders: &no_leaders };
    match name {
        "transfer-leader" => {
            let peer = peer_on("to_store_id")?;
            if peer.role != PeerRole::Voter {
                return Err(Failure::bad_request(format!("the peer on store {} has no vote", peer.store_id)));
            }
            Ok(("transfer-leader", vec![Step::TransferLeader(peer)]))
        }
        "transfer-peer" => {
            let old = peer_on("from_store_id")?;
            let new = new_on("to_store_id")?;
            Ok(("transfer-peer", move_peer(told, &old, new, around.successor(told, &old))))
        }
        "transfer-region" => Ok(("transfer-region", transfer_region(pd, asked, told)?)),
        "add-peer" => Ok(("add-peer", add_peer(new_on("store_id")?))),
        "add-learner" => Ok(("add-learner", vec![Step::AddLearner(new_on("store_id")?)])),
        "remove-peer" => {
            let old = peer_on("store_id")?;
            let steps = remove_peer(told, &old, around.successor(told, &old));
            let alone =
                || Failure::bad_request(format!("region {region_id} has no other peer that could lead"));
            Ok(("remove-peer", steps.ok_or_else(alone)?))
        }
        "split-region" => Ok(("split-region", vec![split(asked, told)?])),
        other => Err(Failure::bad_request(format!("operator {other:?} is not supported"))),
    }
}

/// A store that can take a peer of the region.
fn target(pd: &Pd, told: &RegionHeartbeat, store_id: u64) -> Result<u64, Failure> {
    let settings = pd.settings.get();
    let stores = pd.cluster.store_views(settings.max_store_down_time)?;
    let view = stores.iter().find(|view| view.store.id == store_id);
    if !view.ok_or(Error::StoreNotFound(store_id))?.is_alive() {
        return Err(Failure::bad_request(format!("store {store_id} is not up")));
    }
    if told.region.peer_on_store(store_id).is_some() {
        let text = format!("region {} has a peer on store {store_id} already", told.region.id);
        return Err(Failure::bad_request(text));
    }
    Ok(store_id)
}

/// Boundaries are encoded keys without a timestamp; clients could not read others.
fn split(asked: &Value, told: &RegionHeartbeat) -> Result<Step, Failure> {
    let mut keys = Vec::new();
    for text in asked["keys"].as_array().map_or(&[][..], Vec::as_slice) {
        let text = text.as_str().unwrap_or_default();
        let key = unhex(text)?;
        if Key::from_encoded(key.to_vec()).to_raw().is_err() {
            return Err(Failure::bad_request(format!("{text} is no encoded key")));
        }
        if key == told.region.start_key || !told.region.contains(&key) {
            return Err(Failure::bad_request(format!("{text} is not inside region {}", told.region.id)));
        }
        keys.push(key);
    }
    keys.sort_unstable();
    keys.dedup();
    match asked["policy"].as_str().unwrap_or("scan") {
        "usekey" if keys.is_empty() => return Err(Failure::bad_request("the policy usekey needs keys")),
        "usekey" => {}
        "scan" | "approximate" if keys.is_empty() => {}
        "scan" | "approximate" => return Err(Failure::bad_request("keys are for the policy usekey")),
        other => return Err(Failure::bad_request(format!("{other:?} is no policy of a split"))),
    }
    Ok(Step::Split { keys, version: told.region.epoch.version })
}
