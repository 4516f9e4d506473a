//! `store`: what stores hold and how they are, and to empty one.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::table::Table;
use super::{Change, Pages, Report, list, text};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    /// One store; all that are no tombstones without it
    id: Option<u64>,
    /// Only stores in this state
    #[arg(long, value_parser = ["up", "offline", "tombstone"], conflicts_with = "id")]
    state: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Move everything away from a store; it becomes a tombstone then
    Delete { id: u64 },
    /// Keep a store that is being emptied
    CancelDelete { id: u64 },
    /// Forget all tombstones
    RemoveTombstone,
    /// Give a store labels, KEY=VALUE, or take them away again
    Label {
        id: u64,
        #[arg(required = true)]
        labels: Vec<String>,
        /// Take all other labels away
        #[arg(long, conflicts_with = "delete")]
        rewrite: bool,
        /// Take the labels of these keys away
        #[arg(long)]
        delete: bool,
    },
    /// How much a store shall lead and hold beside the others: twice the weight, twice as much
    Weight { id: u64, leader: f64, region: f64 },
    /// Peers that may come and go in a minute: of all stores; set for one store, or `all`
    Limit {
        store: Option<String>,
        rate: Option<f64>,
        /// add-peer or remove-peer; both without it
        kind: Option<String>,
    },
    /// Stores in a state
    Check {
        #[arg(value_parser = ["up", "disconnected", "down", "offline", "tombstone"])]
        state: String,
    },
}

pub(super) async fn run(pages: &dyn Pages, options: &Options) -> Result<Report, String> {
    let (method, path, body) = match &options.command {
        None => return show(pages, options).await,
        Some(Command::Check { state }) => {
            return Ok(table(pages.get(&format!("/stores/check?state={state}")).await?, true));
        }
        Some(Command::Limit { store: None, .. }) => return limits(pages).await,
        Some(Command::Delete { id }) => ("DELETE", format!("/store/{id}"), Value::Null),
        Some(Command::CancelDelete { id }) => ("POST", format!("/store/{id}/state?state=Up"), Value::Null),
        Some(Command::RemoveTombstone) => ("DELETE", "/stores/remove-tombstone".to_owned(), Value::Null),
        Some(Command::Label { id, labels, delete: true, .. }) => {
            ("DELETE", format!("/store/{id}/label"), json!(labels))
        }
        Some(Command::Label { id, labels, rewrite, .. }) => {
            let query = if *rewrite { "?force=true" } else { "" };
            ("POST", format!("/store/{id}/label{query}"), parse_labels(labels)?)
        }
        Some(Command::Weight { id, leader, region }) => {
            ("POST", format!("/store/{id}/weight"), json!({ "leader": leader, "region": region }))
        }
        Some(Command::Limit { store: Some(store), rate, kind }) => {
            let rate = rate.ok_or("a limit is a number of peers in a minute")?;
            let path = match store.as_str() {
                "all" => "/stores/limit".to_owned(),
                id => format!("/store/{id}/limit"),
            };
            ("POST", path, json!({ "rate": rate, "type": kind }))
        }
    };
    pages.change(Change { method, path: &path, body }).await.map(Report::done)
}

fn parse_labels(labels: &[String]) -> Result<Value, String> {
    let pair = |label: &String| {
        let pair = label.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
        let pair = pair.map(|(key, value)| (key.to_owned(), json!(value)));
        pair.ok_or_else(|| format!("{label:?} is no label; one is KEY=VALUE"))
    };
    labels.iter().map(pair).collect()
}

async fn limits(pages: &dyn Pages) -> Result<Report, String> {
    let page = pages.get("/stores/limit").await?;
    let mut table = Table::new(&["STORE", "ADD PEER PER MINUTE", "REMOVE PEER PER MINUTE"]);
    for (store, limit) in page.as_object().into_iter().flatten() {
        table.row([store.clone(), text(&limit["add-peer"]), text(&limit["remove-peer"])]);
    }
    Ok(Report::new(page, table))
}

async fn show(pages: &dyn Pages, options: &Options) -> Result<Report, String> {
    let path = match (options.id, options.state.as_deref()) {
        (Some(id), _) => format!("/store/{id}"),
        (None, Some("up")) => "/stores?state=0".to_owned(),
        (None, Some("offline")) => "/stores?state=1".to_owned(),
        (None, Some(_)) => "/stores?state=2".to_owned(),
        (None, None) => "/stores".to_owned(),
    };
    Ok(table(pages.get(&path).await?, options.id.is_none()))
}

/// One store, or a list of them.
pub(super) fn table(page: Value, is_list: bool) -> Report {
    let mut table = Table::new(&[
        "ID",
        "ADDRESS",
        "STATE",
        "CAPACITY",
        "AVAILABLE",
        "LEADERS",
        "REGIONS",
        "PROGRESS",
        "LAST HEARTBEAT",
        "LABELS",
    ]);
    let stores = if is_list { list(&page, "stores") } else { std::slice::from_ref(&page) };
    stores.iter().for_each(|store| table.row(cells(store)));
    Report::new(page, table)
}

/// Of a store that comes or goes.
fn progress(shown: &Value) -> String {
    let Some(done) = shown["progress"].as_f64() else {
        return "-".to_owned();
    };
    let left = shown["left_seconds"].as_f64().map_or_else(
        || "nothing moves".to_owned(),
        |left| format!("{} left", crate::api::duration(left.ceil() as u64)),
    );
    format!("{} {:.0} %, {left}", text(&shown["action"]), done * 100.0)
}

fn cells(shown: &Value) -> Vec<String> {
    let (store, status) = (&shown["store"], &shown["status"]);
    let told = store["last_heartbeat"].as_u64().unwrap_or(0) > 0;
    let mut cells: Vec<String> = ["id", "address", "state_name"].map(|name| text(&store[name])).to_vec();
    cells.extend(["capacity", "available", "leader_count", "region_count"].map(|name| text(&status[name])));
    cells.push(progress(&status["progress"]));
    cells.push(if told { text(&status["last_heartbeat_ts"]) } else { "never".to_owned() });
    let labels = list(store, "labels").iter();
    let labels = labels.map(|label| format!("{}={}", text(&label["key"]), text(&label["value"])));
    let labels = labels.collect::<Vec<_>>().join(",");
    cells.push(if labels.is_empty() { "-".to_owned() } else { labels });
    cells
}
