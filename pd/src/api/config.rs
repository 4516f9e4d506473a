//! Settings, in PD's names: those that mean something here.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, body, duration};
use super::cluster::VERSION;
use crate::pd::Pd;
use crate::schedule_settings::ScheduleSettings;

fn schedule_section(settings: &ScheduleSettings) -> Value {
    json!({
        "leader-schedule-limit": settings.leader_schedule_limit,
        "region-schedule-limit": settings.region_schedule_limit,
        "replica-schedule-limit": settings.replica_schedule_limit,
        "store-limit": settings.store_limit,
        "max-store-down-time": duration(settings.max_store_down_time.as_secs()),
        "low-space-ratio": settings.low_space_percent as f64 / 100.0,
    })
}

fn replication_section(settings: &ScheduleSettings) -> Value {
    json!({ "max-replicas": settings.max_replicas, "location-labels": "" })
}

pub(super) async fn all(State(pd): State<Arc<Pd>>) -> Page {
    let settings = pd.settings.get();
    Page(json!({
        "client-urls": pd.config.client_urls.join(","),
        "name": pd.config.name,
        "data-dir": pd.config.data_dir,
        "tso-save-interval": format!("{}s", pd.config.tso_window.as_secs()),
        "cluster-version": VERSION,
        "schedule": schedule_section(&settings),
        "replication": replication_section(&settings),
    }))
}

pub(super) async fn schedule(State(pd): State<Arc<Pd>>) -> Page {
    Page(schedule_section(&pd.settings.get()))
}

pub(super) async fn replicate(State(pd): State<Arc<Pd>>) -> Page {
    Page(replication_section(&pd.settings.get()))
}

pub(super) async fn cluster_version() -> Page {
    Page(json!(VERSION))
}

/// `{"max-replicas": 5}`, with the section before the name or without. All of them, or none.
pub(super) async fn set(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let asked = body(&text)?;
    let mut values = Vec::new();
    for (name, value) in asked.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(Failure::bad_request(format!("{name} is neither a number nor a text"))),
        };
        values.push((name.clone(), text));
    }
    pd.settings.set(&values)?;
    Ok(Page(json!("The config is updated.")))
}
