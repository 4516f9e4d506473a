//! Hot regions, what stores read and write, and what was hot before. Queries and processor time are not counted, and
//! shown as 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, number, time};
use super::key::parameter;
use crate::pd::Pd;
use crate::statistics::hot::{HotPeer, StoreFlow, by_store, peers};
use crate::statistics::{Access, Rate};

fn show(peer: &HotPeer, stores: &[u64]) -> Value {
    json!({
        "store_id": peer.store_id,
        "stores": stores,
        "is_leader": peer.leads,
        "is_learner": false,
        "region_id": peer.region_id,
        "hot_degree": peer.degree,
        "flow_bytes": peer.rate.bytes,
        "flow_keys": peer.rate.keys,
        "flow_query": 0,
        "flow_cpu": 0,
        "anti_count": 0,
        "last_update_time": time(peer.updated_ms),
    })
}

/// What a store has to do with hot regions.
fn of_store(hot: &[(&HotPeer, Vec<u64>)], load: Rate) -> Value {
    let total = hot.iter().fold(Rate::default(), |total, (peer, _)| total.plus(peer.rate));
    json!({
        "store_bytes": load.bytes,
        "store_keys": load.keys,
        "store_query": 0,
        "store_cpu": 0,
        "total_flow_bytes": total.bytes,
        "total_flow_keys": total.keys,
        "total_flow_query": 0,
        "total_flow_cpu": 0,
        "regions_count": hot.len(),
        "statistics": hot.iter().map(|(peer, stores)| show(peer, stores)).collect::<Value>(),
    })
}

pub(super) async fn regions(
    State(pd): State<Arc<Pd>>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let access = match kind.as_str() {
        "read" => Access::Read,
        "write" => Access::Write,
        other => return Err(Failure(StatusCode::NOT_FOUND, format!("{other:?} is neither read nor write"))),
    };
    let query = query.unwrap_or_default();
    let asked = query.split('&').filter_map(|pair| pair.strip_prefix("store_id="));
    let asked: Vec<u64> = asked.map(number).collect::<Result<_, _>>()?;
    let regions = pd.cluster.scan_regions(&[], &[], usize::MAX)?;
    let flows = pd.flows.all();
    let loads = by_store(&regions, &flows);
    // Shown from the first interval on; a region moves only after some.
    let hot = peers(&regions, &flows, access, 1);
    let stores_of = |region_id: u64| -> Vec<u64> {
        let told = regions.iter().find(|told| told.region.id == region_id);
        told.map_or(Vec::new(), |told| told.region.peers.iter().map(|peer| peer.store_id).collect())
    };
    let group = |leads: bool| -> Value {
        let mut by_store: BTreeMap<u64, Vec<(&HotPeer, Vec<u64>)>> = BTreeMap::new();
        for store in pd.cluster.stores(false).unwrap_or_default() {
            by_store.insert(store.id, Vec::new());
        }
        for peer in hot.iter().filter(|peer| peer.leads || !leads) {
            by_store.entry(peer.store_id).or_default().push((peer, stores_of(peer.region_id)));
        }
        let shown = by_store.iter().filter(|(id, _)| asked.is_empty() || asked.contains(id));
        let shown = shown.map(|(store_id, hot)| {
            let flow: StoreFlow = loads.get(store_id).copied().unwrap_or_default();
            (store_id.to_string(), of_store(hot, flow.of(access, leads)))
        });
        shown.collect()
    };
    Ok(Page(json!({ "as_peer": group(false), "as_leader": group(true) })))
}

/// Rates of the stores.
pub(super) async fn stores(State(pd): State<Arc<Pd>>) -> Answer {
    let regions = pd.cluster.scan_regions(&[], &[], usize::MAX)?;
    let loads = by_store(&regions, &pd.flows.all());
    let of = |rate: fn(&StoreFlow) -> u64| -> Result<Value, Failure> {
        let stores = pd.cluster.stores(false)?;
        let rate = |id: u64| loads.get(&id).map_or(0, rate);
        Ok(stores.iter().map(|store| (store.id.to_string(), json!(rate(store.id)))).collect())
    };
    Ok(Page(json!({
        "bytes-write-rate": of(|flow| flow.written.bytes)?,
        "bytes-read-rate": of(|flow| flow.read.bytes)?,
        "keys-write-rate": of(|flow| flow.written.keys)?,
        "keys-read-rate": of(|flow| flow.read.keys)?,
    })))
}

/// What was hot, newest first; `?limit=`.
pub(super) async fn history(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let limit = parameter(query.as_deref(), "limit").map_or(Ok(100), number)?;
    let samples = pd.history.all();
    let shown = samples.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|sample| {
        json!({
            "update_time": sample.at_ms,
            "region_id": sample.peer.region_id,
            "store_id": sample.peer.store_id,
            "is_leader": sample.peer.leads,
            "hot_region_type": if sample.access == Access::Read { "read" } else { "write" },
            "hot_degree": sample.peer.degree,
            "flow_bytes": sample.peer.rate.bytes,
            "key_rate": sample.peer.rate.keys,
        })
    });
    Ok(Page(json!({ "history_hot_region": shown.collect::<Value>() })))
}
