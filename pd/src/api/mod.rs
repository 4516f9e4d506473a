//! HTTP `/pd/api/v1`: what operators and their tools read of PD, in the JSON of PD's own interface.
//!
//! [`pages`] is a router over a running [`Member`](crate::Member); a carrier serves it on the port of the RPCs. The pages
//! about members are [`member`]'s and any member's; the others are the leader's ([`leading`]), to whom everybody else
//! sends on ([`front`]). One file per resource; [`answer`] holds the forms of sizes, durations, times and errors, [`key`]
//! those of keys.
//!
//! Deliberately missing: the pages about labels of regions and about witnesses, which are not there.

mod answer;
mod cluster;
mod config;
mod event;
mod front;
mod hot;
mod key;
mod member;
mod operator;
mod region;
mod resolved_ts;
mod rule;
mod scheduler;
mod store;
mod store_traits;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

pub(crate) use answer::{duration, time};
pub use front::pages;
pub(crate) use key::unhex_text;

use crate::pd::Pd;

/// The pages of a PD that leads.
fn leading(pd: Arc<Pd>) -> Router {
    let v1 = Router::new()
        .route("/status", get(cluster::status))
        .route("/cluster", get(cluster::cluster))
        .route("/cluster/status", get(cluster::cluster_status))
        .route("/stores", get(store::stores))
        .route("/stores/remove-tombstone", delete(store::remove_tombstones))
        .route("/store/{id}", get(store::store).delete(store::delete))
        .route("/store/{id}/state", post(store::set_state))
        .route("/stores/limit", get(store_traits::limits).post(store_traits::set_limits))
        .route("/stores/check", get(store_traits::check))
        .route("/stores/progress", get(store::progress))
        .route("/store/{id}/label", post(store_traits::set_labels).delete(store_traits::delete_labels))
        .route("/store/{id}/weight", post(store_traits::set_weight))
        .route("/store/{id}/limit", post(store_traits::set_limit))
        .route("/labels", get(store_traits::labels))
        .route("/labels/stores", get(store_traits::labelled))
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
        .route("/regions/check/{state}", get(region::histogram))
        .route("/regions/range-holes", get(region::holes))
        .route("/regions/scatter", post(region::scatter))
        .route("/hotspot/regions/history", get(hot::history))
        .route("/hotspot/regions/{kind}", get(hot::regions))
        .route("/hotspot/stores", get(hot::stores))
        .route("/events", get(event::events))
        .route("/regions/{order}", get(region::top))
        .route("/region/id/{id}", get(region::by_id))
        .route("/region/key/{key}", get(region::by_key))
        .route("/config", get(config::all).post(config::set))
        .route("/config/schedule", get(config::schedule))
        .route("/config/replicate", get(config::replicate))
        .route("/config/cluster-version", get(config::cluster_version))
        .route("/config/item/{name}", delete(config::reset))
        .route("/min-resolved-ts", get(resolved_ts::of_cluster))
        .route("/min-resolved-ts/{store}", get(resolved_ts::of_store))
        .route("/gc/safepoint", get(cluster::gc_safe_points))
        .route("/gc/safepoint/{service}", delete(cluster::release))
        .merge(rules())
        .layer(from_fn_with_state(pd.clone(), event::record))
        .with_state(pd);
    Router::new().nest("/pd/api/v1", v1)
}

fn rules() -> Router<Arc<Pd>> {
    Router::new()
        .route("/config/rules", get(rule::all).post(rule::set_all))
        .route("/config/rules/batch", post(rule::batch))
        .route("/config/rules/group/{group}", get(rule::of_group))
        .route("/config/rules/region/{region}", get(rule::of_region))
        .route("/config/rules/region/{region}/detail", get(rule::fit_of_region))
        .route("/config/rules/key/{key}", get(rule::of_key))
        .route("/config/rule", post(rule::set))
        .route("/config/rule/{group}/{id}", get(rule::one).delete(rule::delete))
        .route("/config/rule_groups", get(rule::groups))
        .route("/config/rule_group", post(rule::set_group))
        .route("/config/rule_group/{id}", get(rule::group).delete(rule::delete_group))
        .route("/config/placement-rule", get(rule::bundles).post(rule::set_bundles))
        .route(
            "/config/placement-rule/{group}",
            get(rule::one_bundle).post(rule::set_bundle).delete(rule::delete_bundle),
        )
}

#[cfg(test)]
pub(crate) mod tests;
