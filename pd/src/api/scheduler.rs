//! Schedulers: which run, how they are, and to start, stop and pause them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, body, field, number};
use super::key::parameter;
use crate::pd::Pd;
use crate::scheduler::{Kept, State as Condition};

fn condition(kept: &Kept) -> (&'static str, String) {
    match &kept.last {
        Condition::New => ("pending", "it has not been asked yet".to_owned()),
        Condition::Paused => ("paused", String::new()),
        Condition::Scheduling => ("scheduling", String::new()),
        Condition::Idle(why) => ("normal", why.clone()),
        Condition::Pending(why) => ("pending", why.clone()),
    }
}

/// Their names.
pub(super) async fn schedulers(State(pd): State<Arc<Pd>>, RawQuery(query): RawQuery) -> Answer {
    let all = pd.schedulers.all(pd.now());
    let wanted = |kept: &&Kept| match parameter(query.as_deref(), "status") {
        None => Ok(true),
        Some("paused") => Ok(kept.is_paused(pd.now())),
        Some(other) => Err(Failure::bad_request(format!("{other:?} is no status of schedulers"))),
    };
    let mut names = Vec::new();
    for kept in &all {
        if wanted(&kept)? {
            names.push(kept.scheduler.name());
        }
    }
    Ok(Page(json!(names)))
}

/// All of them, and how each is.
pub(super) async fn details(State(pd): State<Arc<Pd>>) -> Page {
    let now = pd.now();
    let show = |kept: &Kept| {
        let (status, summary) = condition(kept);
        json!({
            "name": kept.scheduler.name(),
            "status": status,
            "summary": summary,
            "stores": kept.scheduler.stores(),
            "paused_for_seconds": kept.paused_for(now),
        })
    };
    Page(pd.schedulers.all(now).iter().map(show).collect::<Value>())
}

pub(super) async fn diagnostic(State(pd): State<Arc<Pd>>, Path(name): Path<String>) -> Answer {
    let all = pd.schedulers.all(pd.now());
    let kept = all.iter().find(|kept| kept.scheduler.name() == name);
    let (status, summary) = condition(kept.ok_or(crate::Error::SchedulerNotFound(name.clone()))?);
    let timestamp = pd.clock.unix_millis() / 1000;
    Ok(Page(json!({ "name": name, "status": status, "summary": summary, "timestamp": timestamp })))
}

pub(super) async fn add(State(pd): State<Arc<Pd>>, text: String) -> Answer {
    let asked = body(&text)?;
    let name = asked["name"].as_str().ok_or_else(|| Failure::bad_request("name is missing"))?;
    let store_id = if asked["store_id"].is_null() { None } else { Some(field(&asked, "store_id")?) };
    if let Some(store_id) = store_id {
        pd.cluster.store(store_id)?;
    }
    pd.schedulers.add(name, store_id)?;
    Ok(Page(json!("The scheduler is created.")))
}

pub(super) async fn remove(State(pd): State<Arc<Pd>>, Path(name): Path<String>) -> Answer {
    pd.schedulers.remove(&name)?;
    Ok(Page(json!("The scheduler is removed.")))
}

/// `{"delay": seconds}`; 0 lets it go on.
pub(super) async fn pause(State(pd): State<Arc<Pd>>, Path(name): Path<String>, text: String) -> Answer {
    let delay = field(&body(&text)?, "delay")?;
    pd.schedulers.pause(&name, Duration::from_secs(delay), pd.now())?;
    Ok(Page(json!("Pause or resume the scheduler successfully.")))
}

/// `evict-leader-scheduler` for one store.
pub(super) async fn remove_store(
    State(pd): State<Arc<Pd>>,
    Path((name, store_id)): Path<(String, String)>,
) -> Answer {
    pd.schedulers.remove(&format!("{name}-{}", number(&store_id)?))?;
    Ok(Page(json!("The store is removed from the scheduler.")))
}
