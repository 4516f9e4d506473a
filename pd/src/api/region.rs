//! Regions: one, those of a range or a store, and those that stand out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::{RegionHeartbeat, StoreState};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, Page, body, mebibytes, number};
use super::key::{decode, hex, parameter, unhex};
use crate::cluster::Told;
use crate::pd::Pd;
use crate::statistics::Access;

/// A region that should have been split: stores do it at half as much again as they split off.
const OVERSIZED_BYTES: u64 = 384 << 20;
/// A region that could be a part of its neighbour.
const UNDERSIZED_BYTES: u64 = 54 << 20;
/// Regions of the lists that do not show all.
const LIMIT: usize = 16;

pub(super) fn show_peer(peer: &Peer) -> Value {
    let (role, name) = match peer.role {
        PeerRole::Voter => (0, "Voter"),
        PeerRole::Learner => (1, "Learner"),
        PeerRole::IncomingVoter => (2, "IncomingVoter"),
        PeerRole::DemotingVoter => (3, "DemotingVoter"),
    };
    let mut shown = json!({ "id": peer.id, "store_id": peer.store_id, "role_name": name });
    if let Some(fields) = shown.as_object_mut().filter(|_| role != 0) {
        fields.insert("role".to_owned(), json!(role));
        fields.insert("is_learner".to_owned(), json!(role == 1));
    }
    shown
}

fn show(told: &RegionHeartbeat) -> Value {
    let region = &told.region;
    let peers: Vec<Value> = region.peers.iter().map(show_peer).collect();
    let mut shown = json!({
        "id": region.id,
        "start_key": hex(&region.start_key),
        "end_key": hex(&region.end_key),
        "epoch": { "conf_ver": region.epoch.conf_ver, "version": region.epoch.version },
        "peers": peers,
        "leader": told.leader.as_ref().map_or(json!({ "role_name": "Voter" }), show_peer),
        "cpu_usage": 0,
        "written_bytes": told.bytes_written,
        "read_bytes": told.bytes_read,
        "written_keys": told.keys_written,
        "read_keys": told.keys_read,
        "approximate_size": mebibytes(told.approximate_size_bytes),
        "approximate_keys": told.approximate_keys,
    });
    if let Some(fields) = shown.as_object_mut() {
        if !told.down_peers.is_empty() {
            let down = told.down_peers.iter();
            let down: Vec<Value> = down
                .map(|(peer, seconds)| json!({ "down_seconds": seconds, "peer": show_peer(peer) }))
                .collect();
            fields.insert("down_peers".to_owned(), Value::Array(down));
        }
        if !told.pending_peers.is_empty() {
            let pending = told.pending_peers.iter().map(show_peer).collect();
            fields.insert("pending_peers".to_owned(), Value::Array(pending));
        }
    }
    shown
}

fn list(found: &[Told]) -> Page {
    list_with(found, |_, _| {})
}

/// With more fields.
fn list_with(found: &[Told], more: impl Fn(&Told, &mut Map<String, Value>)) -> Page {
    let show_more = |told: &Told| {
        let mut shown = show(told);
        if let Some(fields) = shown.as_object_mut() {
            more(told, fields);
        }
        shown
    };
    let regions: Vec<Value> = found.iter().map(show_more).collect();
    Page(json!({ "count": regions.len(), "regions": regions }))
}

fn all(pd: &Pd) -> Result<Vec<Told>, Failure> {
    Ok(pd.cluster.scan_regions(&[], &[], usize::MAX)?)
}

fn limit(query: Option<&str>) -> Result<usize, Failure> {
    let Some(text) = parameter(query, "limit") else {
        return Ok(LIMIT);
    };
    match text.parse::<i64>() {
        // Tools say -1 for all.
        Ok(limit) => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
        Err(_) => Err(Failure::bad_request(format!("{text:?} is not a number of regions"))),
    }
}

pub(super) async fn regions(State(pd): State<Arc<Pd>>) -> Answer {
    Ok(list(&all(&pd)?))
}

pub(super) async fn count(State(pd): State<Arc<Pd>>) -> Page {
    Page(json!({ "count": pd.region_count() }))
}

/// An unknown region is `null`.
fn one(found: crate::Result<Told>) -> Answer {
    match found {
        Ok(told) => Ok(Page(show(&told))),
        Err(crate::Error::RegionNotFound(_)) => Ok(Page(Value::Null)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn by_id(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    one(pd.cluster.region_by_id(number(&id)?))
}

/// The router has undone the escapes of the path already where they are text; keys that are not text come as
/// hexadecimal.
pub(super) async fn by_key(
    State(pd): State<Arc<Pd>>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    one(pd.cluster.region(&decode(&key.replace('%', "%25"), query.as_deref())?))
}

pub(super) async fn scan(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let query = query.as_deref();
    let key = |name| decode(parameter(query, name).unwrap_or_default(), query);
    Ok(list(&pd.cluster.scan_regions(&key("key")?, &key("end_key")?, limit(query)?)?))
}

pub(super) async fn of_store(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let id = number(&id)?;
    let mut found = all(&pd)?;
    found.retain(|told| told.region.peer_on_store(id).is_some());
    Ok(list(&found))
}

pub(super) async fn siblings(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let id = number(&id)?;
    let all = all(&pd)?;
    let index = all.iter().position(|told| told.region.id == id).ok_or(crate::Error::RegionNotFound(id))?;
    let mut found = Vec::new();
    found.extend(index.checked_sub(1).and_then(|left| all.get(left)).cloned());
    found.extend(all.get(index + 1).cloned());
    Ok(list(&found))
}

pub(super) async fn check(State(pd): State<Arc<Pd>>, Path(state): Path<String>) -> Answer {
    let rules = pd.placement.rules(&pd.settings.get());
    let peers = |told: &Told| told.region.peers.len();
    let wanted =
        move |told: &Told| -> usize { rules.at(&told.region.start_key).iter().map(|rule| rule.count).sum() };
    let stands_out: Box<dyn Fn(&Told) -> bool + Send> = match state.as_str() {
        "miss-peer" => Box::new(move |told| peers(told) < wanted(told)),
        "extra-peer" => Box::new(move |told| peers(told) > wanted(told)),
        "down-peer" => Box::new(|told| !told.down_peers.is_empty()),
        "pending-peer" => Box::new(|told| !told.pending_peers.is_empty()),
        "learner-peer" => {
            Box::new(|told| told.region.peers.iter().any(|peer| peer.role == PeerRole::Learner))
        }
        "offline-peer" => {
            let offline: BTreeSet<u64> = pd
                .cluster
                .stores(true)?
                .iter()
                .filter(|store| store.state != StoreState::Up)
                .map(|store| store.id)
                .collect();
            Box::new(move |told| told.region.peers.iter().any(|peer| offline.contains(&peer.store_id)))
        }
        "empty-region" => Box::new(|told| told.approximate_size_bytes <= 1 << 20),
        "oversized-region" => Box::new(|told| told.approximate_size_bytes > OVERSIZED_BYTES),
        "undersized-region" => Box::new(|told| told.approximate_size_bytes < UNDERSIZED_BYTES),
        other => return Err(Failure(StatusCode::NOT_FOUND, format!("{other:?} is not checked"))),
    };
    let mut found = all(&pd)?;
    found.retain(|told| stands_out(told));
    Ok(list(&found))
}

/// How many regions are of which size, `?bound=` the width of a class in MiB, or in thousands of keys.
pub(super) async fn histogram(
    State(pd): State<Arc<Pd>>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let (unit, measure): (u64, fn(&Told) -> u64) = match kind.as_str() {
        "hist-size" => (10, |told| mebibytes(told.approximate_size_bytes)),
        "hist-keys" => (10_000, |told| told.approximate_keys),
        _ => return check(State(pd), Path(kind)).await,
    };
    let width = parameter(query.as_deref(), "bound").map_or(Ok(unit), number)?;
    if width == 0 {
        return Err(Failure::bad_request("a class is wider than 0"));
    }
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for told in all(&pd)? {
        *counts.entry(measure(&told) / width * width).or_default() += 1;
    }
    let classes = counts.into_iter();
    let show = |(start, count)| json!({ "start": start, "end": start + width - 1, "count": count });
    Ok(Page(classes.map(show).collect()))
}

/// Ranges of keys that no region holds.
pub(super) async fn holes(State(pd): State<Arc<Pd>>) -> Answer {
    let (mut holes, mut next, mut is_open) = (Vec::new(), bytes::Bytes::new(), true);
    for told in all(&pd)? {
        let region = &told.region;
        if is_open && next < region.start_key {
            holes.push(json!([hex(&next), hex(&region.start_key)]));
        }
        is_open &= !region.end_key.is_empty();
        if next < region.end_key {
            next.clone_from(&region.end_key);
        }
    }
    if is_open {
        holes.push(json!([hex(&next), ""]));
    }
    Ok(Page(Value::Array(holes)))
}

/// `{"regions_id": [2, 3]}` or `{"start_key": …, "end_key": …}` in hexadecimal, with a `group`.
pub(super) async fn scatter(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let asked = body(&text)?;
    let region_ids: Vec<u64> = if let Some(ids) = asked["regions_id"].as_array() {
        let ids: Option<Vec<u64>> = ids.iter().map(Value::as_u64).collect();
        ids.ok_or_else(|| Failure::bad_request("regions_id is a list of numbers"))?
    } else {
        let key = |name: &str| unhex(asked[name].as_str().unwrap_or_default());
        let found = pd.cluster.scan_regions(&key("start_key")?, &key("end_key")?, usize::MAX)?;
        found.iter().map(|told| told.region.id).collect()
    };
    let outcome = pd.scatter(asked["group"].as_str().unwrap_or_default(), &region_ids)?;
    let failed = outcome.failed.iter().map(|(id, why)| (id.to_string(), json!(why)));
    let failed: Value = failed.collect();
    Ok(Page(json!({ "processed-percentage": outcome.percentage(), "failed": failed })))
}

/// The first regions in an order.
pub(super) async fn top(
    State(pd): State<Arc<Pd>>,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let flows = pd.flows.all();
    let rate =
        |told: &Told, access| flows.get(&told.region.id).map(|flow| flow.rate(access)).unwrap_or_default();
    if let "readflow" | "writeflow" | "readkeys" | "writekeys" = order.as_str() {
        let access = if order.starts_with("read") { Access::Read } else { Access::Write };
        let by_keys = order.ends_with("keys");
        let measure = |told: &Told| {
            let rate = rate(told, access);
            if by_keys { rate.keys } else { rate.bytes }
        };
        let mut found = all(&pd)?;
        found.sort_by_cached_key(|told| (Reverse(measure(told)), told.region.id));
        found.truncate(limit(query.as_deref())?);
        return Ok(list_with(&found, |told, shown| {
            shown.insert("read_bytes_rate".to_owned(), json!(rate(told, Access::Read).bytes));
            shown.insert("read_keys_rate".to_owned(), json!(rate(told, Access::Read).keys));
            shown.insert("written_bytes_rate".to_owned(), json!(rate(told, Access::Write).bytes));
            shown.insert("written_keys_rate".to_owned(), json!(rate(told, Access::Write).keys));
        }));
    }
    let rank: fn(&Told) -> u64 = match order.as_str() {
        "confver" => |told| told.region.epoch.conf_ver,
        "version" => |told| told.region.epoch.version,
        "size" => |told| told.approximate_size_bytes,
        "keys" => |told| told.approximate_keys,
        other => return Err(Failure(StatusCode::NOT_FOUND, format!("regions have no order {other:?}"))),
    };
    let mut found = all(&pd)?;
    found.sort_by_key(|told| (Reverse(rank(told)), told.region.id));
    found.truncate(limit(query.as_deref())?);
    Ok(list(&found))
}
