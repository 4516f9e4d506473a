//! Stores: what they are, what they reported, what they hold.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use rutile_pd_client::{StoreState, StoreStats};
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, duration, mebibytes, number, size, time};
use super::key::parameter;
use crate::cluster::{StoreView, WEIGHT_ONE};
use crate::pd::Pd;
use crate::statistics::{Move, Progress};

pub(super) fn show(view: &StoreView, progress: Option<Progress>) -> Value {
    let store = &view.store;
    let labels: Vec<Value> =
        store.labels.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let told = view.last_heartbeat_ms;
    let stats =
        view.stats.clone().unwrap_or_else(|| StoreStats { store_id: store.id, ..StoreStats::default() });
    let node_state = match store.state {
        StoreState::Up => 1,
        StoreState::Offline => 2,
        StoreState::Tombstone => 3,
    };
    json!({
        "store": {
            "id": store.id,
            "address": store.address,
            "labels": labels,
            "version": store.version,
            "status_address": store.status_address,
            "git_hash": "",
            "start_timestamp": 0,
            "deploy_path": "",
            "last_heartbeat": told.unwrap_or_default().saturating_mul(1_000_000),
            "node_state": node_state,
            "state_name": view.state_name(),
        },
        "status": {
            "capacity": size(stats.capacity_bytes),
            "available": size(stats.available_bytes),
            "used_size": size(stats.used_bytes),
            "leader_count": view.leaders,
            "leader_weight": view.traits.leader_weight as f64 / WEIGHT_ONE as f64,
            "leader_score": view.leader_score(signed(view.leaders)) as f64 / WEIGHT_ONE as f64,
            "leader_size": mebibytes(view.leader_bytes),
            "region_count": view.peers,
            "region_weight": view.traits.region_weight as f64 / WEIGHT_ONE as f64,
            "region_score": view.region_score(signed(mebibytes(view.peer_bytes))),
            "region_size": mebibytes(view.peer_bytes),
            "learner_count": view.learners,
            "pending_peer_count": view.pending,
            "is_busy": stats.is_busy,
            "last_heartbeat_ts": time(told.unwrap_or_default()),
            "uptime": view.known_for.map(|known| duration(known.as_secs())),
            "progress": progress.map(show_progress),
        },
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) async fn stores(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let query = query.as_deref().unwrap_or_default();
    // Several states may be asked for; without any, all but tombstones.
    let asked: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("state=")).collect();
    let mut wanted = Vec::new();
    for state in asked {
        wanted.push(match state {
            "0" => StoreState::Up,
            "1" => StoreState::Offline,
            "2" => StoreState::Tombstone,
            other => return Err(Failure::bad_request(format!("{other:?} is no state of a store"))),
        });
    }
    if wanted.is_empty() {
        wanted = vec![StoreState::Up, StoreState::Offline];
    }
    if let Some(other) = parameter(Some(query), "limit") {
        return Err(Failure::bad_request(format!("stores are not limited to {other}")));
    }
    let stores: Vec<Value> = pd
        .cluster
        .store_views(pd.settings.get().max_store_down_time)?
        .iter()
        .filter(|view| wanted.contains(&view.store.state))
        .map(|view| show(view, pd.moves.of(view.store.id)))
        .collect();
    Ok(Page(json!({ "count": stores.len(), "stores": stores })))
}

pub(super) async fn store(State(pd): State<Arc<Pd>>, Path(id): Path<String>) -> Answer {
    let id = number(&id)?;
    let views = pd.cluster.store_views(pd.settings.get().max_store_down_time)?;
    let view = views.iter().find(|view| view.store.id == id);
    Ok(Page(show(view.ok_or(crate::Error::StoreNotFound(id))?, pd.moves.of(id))))
}

fn show_progress(progress: Progress) -> Value {
    json!({
        "action": progress.what.name(),
        "progress": progress.done,
        "current_speed": progress.regions_per_second,
        "left_seconds": progress.left_seconds,
    })
}

/// `?id=4`: how far a store is that comes or goes. `?action=adding`, `?action=removing`: the mean of all that do. Speeds are
/// regions per second.
pub(super) async fn progress(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let query = query.as_deref();
    if let Some(id) = parameter(query, "id") {
        let id = number(id)?;
        let absent =
            || Failure(StatusCode::NOT_FOUND, format!("no progress found for the given store ID {id}"));
        let mut page = show_progress(pd.moves.of(id).ok_or_else(absent)?);
        page["store_id"] = json!(id);
        return Ok(Page(page));
    }
    let asked = parameter(query, "action").unwrap_or_default();
    let Some(what) = [Move::Adding, Move::Removing].into_iter().find(|what| what.name() == asked) else {
        return Err(Failure::bad_request("say ?id=STORE, ?action=adding or ?action=removing".to_owned()));
    };
    let all: Vec<Progress> = pd
        .moves
        .all()
        .into_iter()
        .map(|(_, progress)| progress)
        .filter(|progress| progress.what == what)
        .collect();
    if all.is_empty() {
        let text = format!("no progress found for the action {asked}");
        return Err(Failure(StatusCode::NOT_FOUND, text));
    }
    let count = all.len() as f64;
    // The last one to end is what people wait for.
    let left = all.iter().map(|progress| progress.left_seconds);
    let left = left.collect::<Option<Vec<f64>>>().map(|left| left.into_iter().fold(0.0, f64::max));
    Ok(Page(show_progress(Progress {
        what,
        done: all.iter().map(|progress| progress.done).sum::<f64>() / count,
        regions_per_second: all.iter().map(|progress| progress.regions_per_second).sum(),
        left_seconds: left,
    })))
}

/// Begins to empty a store; it becomes a tombstone when it holds nothing any more.
pub(super) async fn delete(
    State(pd): State<Arc<Pd>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        return Err(Failure::bad_request(format!("{query} is not supported")));
    }
    pd.cluster.delete_store(number(&id)?, pd.settings.get().max_replicas)?;
    Ok(Page(json!("The store is set as Offline.")))
}

/// `?state=Up` stops the emptying, `?state=Offline` is the same as to delete it.
pub(super) async fn set_state(
    State(pd): State<Arc<Pd>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let id = number(&id)?;
    match parameter(query.as_deref(), "state") {
        Some("Up") => pd.cluster.cancel_delete_store(id)?,
        Some("Offline") => pd.cluster.delete_store(id, pd.settings.get().max_replicas)?,
        other => return Err(Failure::bad_request(format!("a store can not be made {other:?}"))),
    }
    Ok(Page(json!("The store's state is updated.")))
}

pub(super) async fn remove_tombstones(State(pd): State<Arc<Pd>>) -> Answer {
    let count = pd.cluster.remove_tombstones()?;
    Ok(Page(json!(format!("{count} tombstones are removed."))))
}
