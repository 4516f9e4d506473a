//! Settings, in PD's names: those that mean something here.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Page, duration};
use super::cluster::{MAX_REPLICAS, VERSION};
use crate::cluster::DOWN_AFTER;
use crate::pd::Pd;

fn schedule_section() -> Value {
    json!({ "max-store-down-time": duration(DOWN_AFTER.as_secs()) })
}

fn replication_section() -> Value {
    json!({ "max-replicas": MAX_REPLICAS, "location-labels": "" })
}

pub(super) async fn all(State(pd): State<Arc<Pd>>) -> Page {
    Page(json!({
        "client-urls": pd.config.client_urls.join(","),
        "name": pd.config.name,
        "data-dir": pd.config.data_dir,
        "tso-save-interval": format!("{}s", pd.config.tso_window.as_secs()),
        "cluster-version": VERSION,
        "schedule": schedule_section(),
        "replication": replication_section(),
    }))
}

pub(super) async fn schedule() -> Page {
    Page(schedule_section())
}

pub(super) async fn replicate() -> Page {
    Page(replication_section())
}

pub(super) async fn cluster_version() -> Page {
    Page(json!(VERSION))
}
