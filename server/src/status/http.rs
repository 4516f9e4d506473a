//! Read-only pages over HTTP/1.1.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use rutile_kv_env::{Clock, Disk, Monotonic};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::SERVER_VERSION;
use crate::config::Settings;
use crate::connection::{Connections, Logins};
use crate::metrics::Reading;
use crate::panics;
use crate::status::door::Door;
use crate::status::{part, process};

/// What the pages are made of.
pub(crate) struct Facts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) started: Monotonic,
    pub(crate) connections: Arc<Connections>,
    pub(crate) logins: Arc<Logins>,
    /// Off while the server starts and from the moment it is told to stop.
    pub(crate) ready: AtomicBool,
    /// Whether statements are served: a SQL node that lost touch with the others refuses them.
    pub(crate) serves: Box<dyn Fn() -> bool + Send + Sync>,
    /// What is in effect now.
    pub(crate) settings: watch::Receiver<Settings>,
    /// Adds the counters of the layers below.
    pub(crate) read: Box<dyn Fn(&mut Reading) + Send + Sync>,
}

impl Facts {
    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && (self.serves)()
    }

    fn uptime_seconds(&self) -> u64 {
        self.clock.now().saturating_since(self.started).as_secs()
    }
}

/// Serves until `stop` resolves, then lets running answers finish.
pub(crate) async fn serve(
    listener: TcpListener,
    facts: Arc<Facts>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let door = Door::new(listener, facts.clock.clone(), &facts.settings.borrow().status);
    let router = Router::new()
        .route("/status", get(status))
        .route("/metrics", get(metrics_page))
        .route("/ready", get(ready))
        .route("/config", get(config))
        .with_state(facts);
    axum::serve(door, router).with_graceful_shutdown(stop).await
}

async fn status(State(facts): State<Arc<Facts>>) -> impl IntoResponse {
    let body = json!({
        "version": SERVER_VERSION,
        "connections": facts.connections.count(),
        "connections_max": facts.connections.max(),
        "uptime_seconds": facts.uptime_seconds(),
        "ready": facts.is_ready(),
    });
    ([(header::CONTENT_TYPE, "application/json")], format!("{body}\n"))
}

async fn metrics_page(State(facts): State<Arc<Facts>>) -> impl IntoResponse {
    let mut reading = Reading::default();
    reading.gauge("connections", "Open client connections", facts.connections.count() as u64);
    let waiting = facts.logins.count() as u64;
    reading.gauge("logins_under_way", "Clients that have not logged in yet", waiting);
    reading.counter(
        "connections_refused",
        "Clients turned away with error 1040",
        facts.connections.refused(),
    );
    reading.counter("panics", "Defects that ended a connection or a task", panics::count());
    reading.gauge("uptime_seconds", "Seconds since the start", facts.uptime_seconds());
    reading.wire(facts.connections.metrics());
    facts.connections.statement_times().read(&mut reading);
    process::read(facts.disk.as_ref(), &mut reading);
    (facts.read)(&mut reading);
    part::page(reading)
}

/// No setting is a secret: passwords are in files that settings only name.
async fn config(State(facts): State<Arc<Facts>>) -> impl IntoResponse {
    let text = facts.settings.borrow().print();
    ([(header::CONTENT_TYPE, "application/toml")], text)
}

async fn ready(State(facts): State<Arc<Facts>>) -> impl IntoResponse {
    if facts.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
