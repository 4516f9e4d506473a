//! Settings, in PD's names: those that mean something here.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, body};
use super::cluster::VERSION;
use crate::pd::Pd;

pub(super) async fn all(State(pd): State<Arc<Pd>>) -> Page {
    let settings = pd.settings.get();
    Page(json!({
        "client-urls": pd.config.client_urls.join(","),
        "name": pd.config.name,
        "data-dir": pd.config.data_dir,
        "tso-save-interval": format!("{}s", pd.config.tso_window.as_secs()),
        "cluster-version": VERSION,
        "schedule": settings.schedule(),
        "replication": settings.replication(),
    }))
}

pub(super) async fn schedule(State(pd): State<Arc<Pd>>) -> Page {
    Page(pd.settings.get().schedule())
}

pub(super) async fn replicate(State(pd): State<Arc<Pd>>) -> Page {
    Page(pd.settings.get().replication())
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
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(Failure::bad_request(format!("{name} is neither a number, a text nor a flag"))),
        };
        values.push((name.clone(), text));
    }
    pd.settings.set(&values)?;
    Ok(Page(json!("The config is updated.")))
}

/// A setting has its default again.
pub(super) async fn reset(State(pd): State<Arc<Pd>>, Path(name): Path<String>) -> Answer {
    pd.settings.reset(&name)?;
    Ok(Page(json!("The config has its default again.")))
}
