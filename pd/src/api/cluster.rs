//! The cluster as a whole, this process, and the GC safe point.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use rutile_kv_types::TimeStamp;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, Page, time};
use crate::pd::Pd;
use crate::storage::keys;

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn version() -> Page {
    Page(json!({ "version": VERSION }))
}

pub(super) async fn status(State(pd): State<Arc<Pd>>) -> Page {
    let started = pd.started_ms / 1000;
    Page(json!({ "build_ts": "", "version": VERSION, "git_hash": "", "start_timestamp": started }))
}

pub(super) async fn cluster(State(pd): State<Arc<Pd>>) -> Page {
    Page(json!({ "id": pd.cluster_id, "max_peer_count": pd.settings.get().max_replicas }))
}

pub(super) async fn cluster_status(State(pd): State<Arc<Pd>>) -> Answer {
    let founded = pd.storage.get_u64(keys::BOOTSTRAP_TIME)?;
    Ok(Page(json!({
        "raft_bootstrap_time": time(founded.unwrap_or_default()),
        "is_initialized": founded.is_some(),
        "replication_status": "",
    })))
}

/// A service holds garbage collection back no longer.
pub(super) async fn release(State(pd): State<Arc<Pd>>, Path(service): Path<String>) -> Answer {
    let known = pd.gc.holds().iter().any(|hold| hold.service_id == service);
    if !known {
        let text = format!("service {service:?} holds no safe point");
        return Err(Failure(StatusCode::NOT_FOUND, text));
    }
    pd.gc.hold(&service, 0, TimeStamp::default())?;
    Ok(Page(json!("Delete service GC safepoint successfully.")))
}

pub(super) async fn gc_safe_points(State(pd): State<Arc<Pd>>) -> Page {
    let holds: Vec<Value> = pd
        .gc
        .holds()
        .into_iter()
        .map(|hold| {
            // Seconds; a hold without end is shown as the largest number that signed readers know.
            let expired_at = i64::try_from(hold.expires_ms / 1000).unwrap_or(i64::MAX);
            json!({
                "service_id": hold.service_id,
                "expired_at": expired_at,
                "safe_point": hold.safe_point.into_inner(),
            })
        })
        .collect();
    let mut page = Map::new();
    let least = holds.iter().filter_map(|hold| hold["safe_point"].as_u64()).min();
    page.insert("service_gc_safe_points".to_owned(), Value::Array(holds));
    if let Some(least) = least {
        page.insert("min_service_gc_safe_point".to_owned(), json!(least));
    }
    page.insert("gc_safe_point".to_owned(), json!(pd.gc.get().into_inner()));
    Page(Value::Object(page))
}
