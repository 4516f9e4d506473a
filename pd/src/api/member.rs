//! Members of the PD group: one.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::Page;
use super::cluster::VERSION;
use crate::pd::{MEMBER_ID, Pd};

fn member(pd: &Pd) -> Value {
    json!({
        "name": pd.config.name,
        "member_id": MEMBER_ID,
        "peer_urls": [],
        "client_urls": pd.config.client_urls,
        "deploy_path": "",
        "binary_version": VERSION,
        "git_hash": "",
    })
}

pub(super) async fn members(State(pd): State<Arc<Pd>>) -> Page {
    let member = member(&pd);
    Page(json!({
        "header": { "cluster_id": pd.cluster_id },
        "members": [member],
        "leader": member,
        "etcd_leader": member,
    }))
}

pub(super) async fn leader(State(pd): State<Arc<Pd>>) -> Page {
    Page(member(&pd))
}

/// This member answers, so it is well.
pub(super) async fn health(State(pd): State<Arc<Pd>>) -> Page {
    Page(json!([{
        "name": pd.config.name,
        "member_id": MEMBER_ID,
        "client_urls": pd.config.client_urls,
        "health": true,
    }]))
}
