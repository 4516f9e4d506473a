//! `hot`: what is read and written much, and where.

use clap::Subcommand;
use serde_json::Value;

use super::table::Table;
use super::{Pages, Report, list, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Regions that are read much, at the stores that lead them
    Read { stores: Vec<u64> },
    /// Regions that are written much, at all their stores
    Write { stores: Vec<u64> },
    /// What every store reads and writes in a second
    Store,
    /// What was hot before, minute by minute
    History {
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
}

pub(super) async fn run(pages: &dyn Pages, command: &Command) -> Result<Report, String> {
    match command {
        Command::Read { stores } => regions(pages, "read", "as_leader", stores).await,
        Command::Write { stores } => regions(pages, "write", "as_peer", stores).await,
        Command::Store => by_store(pages).await,
        Command::History { limit } => history(pages, *limit).await,
    }
}

async fn regions(pages: &dyn Pages, kind: &str, group: &str, stores: &[u64]) -> Result<Report, String> {
    let query: Vec<String> = stores.iter().map(|store_id| format!("store_id={store_id}")).collect();
    let page = pages.get(&format!("/hotspot/regions/{kind}?{}", query.join("&"))).await?;
    let mut table = Table::new(&["STORE", "REGION", "LEADS", "BYTES/S", "KEYS/S", "DEGREE", "PEER STORES"]);
    for hot in page[group].as_object().into_iter().flat_map(|stores| stores.values()) {
        for peer in list(hot, "statistics") {
            let names =
                ["store_id", "region_id", "is_leader", "flow_bytes", "flow_keys", "hot_degree", "stores"];
            table.row(names.map(|name| text(&peer[name])));
        }
    }
    Ok(Report::new(page, table))
}

async fn by_store(pages: &dyn Pages) -> Result<Report, String> {
    let page = pages.get("/hotspot/stores").await?;
    let names = ["bytes-read-rate", "keys-read-rate", "bytes-write-rate", "keys-write-rate"];
    let mut table =
        Table::new(&["STORE", "BYTES READ/S", "KEYS READ/S", "BYTES WRITTEN/S", "KEYS WRITTEN/S"]);
    for store in page["bytes-read-rate"].as_object().into_iter().flat_map(|stores| stores.keys()) {
        let cells = names.map(|name| text(page[name].get(store).unwrap_or(&Value::Null)));
        table.row(std::iter::once(store.clone()).chain(cells));
    }
    Ok(Report::new(page, table))
}

async fn history(pages: &dyn Pages, limit: u32) -> Result<Report, String> {
    let page = pages.get(&format!("/hotspot/regions/history?limit={limit}")).await?;
    let mut table = Table::new(&["TIME", "KIND", "REGION", "STORE", "LEADS", "BYTES/S", "KEYS/S", "DEGREE"]);
    for sample in list(&page, "history_hot_region") {
        let time = crate::api::time(sample["update_time"].as_u64().unwrap_or_default());
        let names =
            ["hot_region_type", "region_id", "store_id", "is_leader", "flow_bytes", "key_rate", "hot_degree"];
        table.row(std::iter::once(time).chain(names.map(|name| text(&sample[name]))));
    }
    Ok(Report::new(page, table))
}
