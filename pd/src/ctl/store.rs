//! `store`: what stores hold and how they are, and to empty one.

use clap::{Args, Subcommand};
use serde_json::Value;

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
}

pub(super) async fn run(pages: &dyn Pages, options: &Options) -> Result<Report, String> {
    let path = match &options.command {
        None => None,
        Some(Command::Delete { id }) => Some(("DELETE", format!("/store/{id}"))),
        Some(Command::CancelDelete { id }) => Some(("POST", format!("/store/{id}/state?state=Up"))),
        Some(Command::RemoveTombstone) => Some(("DELETE", "/stores/remove-tombstone".to_owned())),
    };
    if let Some((method, path)) = path {
        let change = Change { method, path: &path, body: Value::Null };
        return pages.change(change).await.map(Report::done);
    }
    let path = match (options.id, options.state.as_deref()) {
        (Some(id), _) => format!("/store/{id}"),
        (None, Some("up")) => "/stores?state=0".to_owned(),
        (None, Some("offline")) => "/stores?state=1".to_owned(),
        (None, Some(_)) => "/stores?state=2".to_owned(),
        (None, None) => "/stores".to_owned(),
    };
    let page = pages.get(&path).await?;
    let mut table = Table::new(&[
        "ID",
        "ADDRESS",
        "STATE",
        "CAPACITY",
        "AVAILABLE",
        "LEADERS",
        "REGIONS",
        "LAST HEARTBEAT",
    ]);
    let stores = if options.id.is_some() { std::slice::from_ref(&page) } else { list(&page, "stores") };
    stores.iter().for_each(|store| table.row(cells(store)));
    Ok(Report::new(page, table))
}

fn cells(shown: &Value) -> Vec<String> {
    let (store, status) = (&shown["store"], &shown["status"]);
    let told = store["last_heartbeat"].as_u64().unwrap_or(0) > 0;
    let mut cells: Vec<String> = ["id", "address", "state_name"].map(|name| text(&store[name])).to_vec();
    cells.extend(["capacity", "available", "leader_count", "region_count"].map(|name| text(&status[name])));
    cells.push(if told { text(&status["last_heartbeat_ts"]) } else { "never".to_owned() });
    cells
}
