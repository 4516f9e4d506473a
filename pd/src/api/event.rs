//! What happened lately, and the note that is made of every request that changes something.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Answer, Page, number, time};
use super::key::parameter;
use crate::operator::End;
use crate::pd::Pd;

/// Requests that were carried out, with who asked where the client says it.
pub(super) async fn record(State(pd): State<Arc<Pd>>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    let caller = request.headers().get("X-Caller-ID").and_then(|caller| caller.to_str().ok());
    let caller = caller.unwrap_or("somebody").to_owned();
    let what = format!("{} {}", request.method(), request.uri());
    let answer = next.run(request).await;
    if answer.status().is_success() {
        tracing::info!(caller, what, "request carried out");
        pd.events.note(pd.clock.unix_millis(), "request", format!("{what} by {caller}"));
    }
    answer
}

/// Events and ended operators, newest first; `?limit=`.
pub(super) async fn events(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let limit = parameter(query.as_deref(), "limit").map_or(Ok(100), number)?;
    let mut all: Vec<(u64, &'static str, String)> =
        pd.events.all().into_iter().map(|event| (event.at_ms, event.kind, event.text)).collect();
    all.extend(pd.operators.ended().into_iter().map(|ended| {
        let operator = &ended.running.operator;
        let how = match &ended.end {
            End::Success => "done".to_owned(),
            End::Timeout => "took too long".to_owned(),
            End::Replaced => "replaced".to_owned(),
            End::Cancelled(why) => format!("given up: {why}"),
        };
        let text = format!("{} of region {} ({}): {how}", operator.name, operator.region_id, operator.reason);
        (ended.ended_ms, "operator", text)
    }));
    all.sort_by_key(|(at_ms, ..)| Reverse(*at_ms));
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let shown = all.into_iter();
    let shown = shown.map(|(at_ms, kind, text)| json!({ "time": time(at_ms), "kind": kind, "text": text }));
    Ok(Page(shown.collect::<Value>()))
}
