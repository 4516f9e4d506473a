//! `store`: what stores hold and how they are.

use clap::Args;
use serde_json::Value;

use super::table::Table;
use super::{Pages, Report, list, text};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// One store; all that are no tombstones without it
    id: Option<u64>,
    /// Only stores in this state
    #[arg(long, value_parser = ["up", "offline", "tombstone"], conflicts_with = "id")]
    state: Option<String>,
}

pub(super) async fn run(pages: &dyn Pages, options: &Options) -> Result<Report, String> {
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
