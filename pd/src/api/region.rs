//! Regions: one, those of a range or a store, and those that stand out.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::RegionHeartbeat;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, mebibytes, number};
use super::key::{decode, hex, parameter};
use crate::cluster::Told;
use crate::pd::Pd;

/// Regions of the lists that do not show all.
const LIMIT: usize = 16;

fn show_peer(peer: &Peer) -> Value {
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
    let regions: Vec<Value> = found.iter().map(|told| show(told)).collect();
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
    let voters =
        |told: &Told| told.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter).count() as u64;
    let wanted = pd.settings.get().max_replicas;
    let stands_out: Box<dyn Fn(&Told) -> bool + Send> = match state.as_str() {
        "miss-peer" => Box::new(move |told| voters(told) < wanted),
        "extra-peer" => Box::new(move |told| voters(told) > wanted),
        "down-peer" => Box::new(|told| !told.down_peers.is_empty()),
        "pending-peer" => Box::new(|told| !told.pending_peers.is_empty()),
        "learner-peer" => {
            Box::new(|told| told.region.peers.iter().any(|peer| peer.role == PeerRole::Learner))
        }
        "empty-region" => Box::new(|told| told.approximate_size_bytes <= 1 << 20),
        other => return Err(Failure(StatusCode::NOT_FOUND, format!("{other:?} is not checked"))),
    };
    let mut found = all(&pd)?;
    found.retain(|told| stands_out(told));
    Ok(list(&found))
}

/// The first regions in an order.
pub(super) async fn top(
    State(pd): State<Arc<Pd>>,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let rank: fn(&Told) -> u64 = match order.as_str() {
        "readflow" => |told| told.bytes_read,
        "writeflow" => |told| told.bytes_written,
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
