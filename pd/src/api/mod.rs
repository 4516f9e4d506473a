//! HTTP `/pd/api/v1`: what operators and their tools read of PD, in the JSON of PD's own interface.
//!
//! [`pages`] is a router over the running [`Pd`]; a carrier serves it on the port of the RPCs. One file per resource;
//! [`answer`] holds the forms of sizes, durations, times and errors, [`key`] those of keys.
//!
//! Deliberately missing: the pages about labels, placement rules and hot regions, which are not there yet.

mod answer;
mod cluster;
mod config;
mod key;
mod member;
mod operator;
mod region;
mod scheduler;
mod store;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

pub(crate) use answer::time;

use crate::pd::Pd;

/// The pages of a PD member.
pub fn pages(pd: Arc<Pd>) -> Router {
    let v1 = Router::new()
        .route("/ping", get(|| async {}))
        .route("/version", get(cluster::version))
        .route("/status", get(cluster::status))
        .route("/cluster", get(cluster::cluster))
        .route("/cluster/status", get(cluster::cluster_status))
        .route("/health", get(member::health))
        .route("/members", get(member::members))
        .route("/leader", get(member::leader))
        .route("/stores", get(store::stores))
        .route("/stores/remove-tombstone", delete(store::remove_tombstones))
        .route("/store/{id}", get(store::store).delete(store::delete))
        .route("/store/{id}/state", post(store::set_state))
        .route("/operators", get(operator::operators).post(operator::create))
        .route("/operators/records", get(operator::records))
        .route("/operators/{region}", get(operator::of_region).delete(operator::remove))
        .route("/schedulers", get(scheduler::schedulers).post(scheduler::add))
        .route("/schedulers/details", get(scheduler::details))
        .route("/schedulers/diagnostic/{name}", get(scheduler::diagnostic))
        .route("/schedulers/{name}", post(scheduler::pause).delete(scheduler::remove))
        .route("/scheduler-config/{name}/delete/{store}", delete(scheduler::remove_store))
        .route("/regions", get(region::regions))
        .route("/regions/count", get(region::count))
        .route("/regions/key", get(region::scan))
        .route("/regions/store/{id}", get(region::of_store))
        .route("/regions/sibling/{id}", get(region::siblings))
        .route("/regions/check/{state}", get(region::check))
        .route("/regions/{order}", get(region::top))
        .route("/region/id/{id}", get(region::by_id))
        .route("/region/key/{key}", get(region::by_key))
        .route("/config", get(config::all).post(config::set))
        .route("/config/schedule", get(config::schedule))
        .route("/config/replicate", get(config::replicate))
        .route("/config/cluster-version", get(config::cluster_version))
        .route("/gc/safepoint", get(cluster::gc_safe_points))
        .with_state(pd);
    Router::new().nest("/pd/api/v1", v1)
}

#[cfg(test)]
pub(crate) mod tests;
