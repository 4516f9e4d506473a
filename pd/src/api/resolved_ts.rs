//! Timestamps below which nothing commits any more. PD keeps them in memory, so that there is no interval of writing them
//! down to show; 0 stands for one that is not known.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use rutile_kv_types::TimeStamp;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Failure, Page};
use super::key::parameter;
use crate::cluster::ResolvedTs;
use crate::pd::Pd;

fn page(resolved_ts: Option<TimeStamp>) -> Map<String, Value> {
    let mut page = Map::new();
    page.insert("is_real_time".to_owned(), json!(resolved_ts.is_some()));
    page.insert("min_resolved_ts".to_owned(), json!(resolved_ts.unwrap_or_default().into_inner()));
    page.insert("persist_interval".to_owned(), json!("0s"));
    page
}

/// Of the cluster; with `scope=cluster` also of each store, with `scope=1,2` of these stores and the least of them.
pub(super) async fn of_cluster(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let ResolvedTs { cluster, by_store } = pd.cluster.min_resolved_ts()?;
    let scope = match parameter(query.as_deref(), "scope") {
        None => return Ok(Page(Value::Object(page(cluster)))),
        Some(scope) => scope,
    };
    let mut wanted = Vec::new();
    if scope == "cluster" {
        wanted.extend(pd.cluster.stores(false)?.iter().map(|store| store.id));
    } else {
        for text in scope.split(',') {
            let id: u64 = text.parse().map_err(|_| {
                Failure::bad_request(format!("{text:?} is no store: a scope is cluster, or stores"))
            })?;
            pd.cluster.store(id)?;
            wanted.push(id);
        }
    }
    let of = |id: &u64| by_store.get(id).copied();
    // None, which is not known, is less than any.
    let least = if scope == "cluster" { cluster } else { wanted.iter().map(of).min().flatten() };
    let stores: Map<String, Value> =
        wanted.iter().map(|id| (id.to_string(), json!(of(id).unwrap_or_default().into_inner()))).collect();
    let mut page = page(least);
    page.insert("stores_min_resolved_ts".to_owned(), Value::Object(stores));
    Ok(Page(Value::Object(page)))
}

pub(super) async fn of_store(State(pd): State<Arc<Pd>>, Path(store): Path<u64>) -> Answer {
    pd.cluster.store(store)?;
    let known = pd.cluster.min_resolved_ts()?;
    Ok(Page(Value::Object(page(known.by_store.get(&store).copied()))))
}
