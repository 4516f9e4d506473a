//! Pages of a store and of a placement driver, on the port that they serve anyway and under its certificates: `/metrics`
//! for Prometheus, `/status` as JSON. A placement driver has those of PD beside them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rutile_kv_env::{Clock, Disk, Env, Monotonic};
use rutile_kv_grpc::Router;
use serde_json::{Map, Value, json};

use super::process;
use crate::metrics::{self, Reading};
use crate::panics;

/// What the pages of a part are made of.
struct Part {
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    started: Monotonic,
    /// Which part it is, for `/status`.
    names: Map<String, Value>,
    read: Box<dyn Fn(&mut Reading) + Send + Sync>,
}

impl Part {
    fn uptime_seconds(&self) -> u64 {
        self.clock.now().saturating_since(self.started).as_secs()
    }
}

/// The pages of a part that starts now: `names` says which it is, `read` adds its counters.
pub(crate) fn routes(
    env: &Env,
    names: Map<String, Value>,
    read: impl Fn(&mut Reading) + Send + Sync + 'static,
) -> Router {
    let (clock, disk, started) = (env.clock.clone(), env.disk.clone(), env.clock.now());
    let part = Part { clock, disk, started, names, read: Box::new(read) };
    Router::new()
        .route("/status", get(status))
        .route("/metrics", get(metrics_page))
        .with_state(Arc::new(part))
}

async fn status(State(part): State<Arc<Part>>) -> impl IntoResponse {
    let mut page = part.names.clone();
    page.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    page.insert("uptime_seconds".to_owned(), json!(part.uptime_seconds()));
    ([(header::CONTENT_TYPE, "application/json")], format!("{}\n", Value::Object(page)))
}

async fn metrics_page(State(part): State<Arc<Part>>) -> Response {
    let mut reading = Reading::default();
    reading.counter("panics", "Defects that ended a connection or a task", panics::count());
    reading.gauge("uptime_seconds", "Seconds since the start", part.uptime_seconds());
    process::read(part.disk.as_ref(), &mut reading);
    (part.read)(&mut reading);
    page(reading)
}

/// A reading as the answer to a scrape.
pub(super) fn page(reading: Reading) -> Response {
    match metrics::render(reading) {
        Ok(page) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], page).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
