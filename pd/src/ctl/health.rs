//! `health`, `cluster`: is all well, and which cluster is this.

use serde_json::{Value, json};

use super::table::Table;
use super::{Pages, Report, list, text};

/// Members that answer, and stores that report. A cluster that is not founded has no stores, which is well.
pub(super) async fn health(pages: &dyn Pages) -> Result<Report, String> {
    let members = pages.get("/health").await?;
    let founded = pages.get("/cluster/status").await?["is_initialized"] == true;
    let stores = if founded { pages.get("/stores").await? } else { json!({ "stores": [] }) };
    let mut table = Table::new(&["KIND", "NAME", "ADDRESS", "STATE"]);
    let mut is_well = true;
    for member in members.as_array().map_or(&[][..], Vec::as_slice) {
        let well = member["health"] == true;
        is_well &= well;
        let state = if well { "healthy" } else { "unhealthy" };
        table.row(["pd".to_owned(), text(&member["name"]), text(&member["client_urls"]), state.to_owned()]);
    }
    for shown in list(&stores, "stores") {
        let store = &shown["store"];
        let state = text(&store["state_name"]);
        // A store that is being emptied is as it was told to be.
        is_well &= matches!(state.as_str(), "Up" | "Offline");
        table.row(["store".to_owned(), text(&store["id"]), text(&store["address"]), state]);
    }
    let page = json!({ "healthy": is_well, "members": members, "stores": stores["stores"] });
    Ok(Report { page, table, is_well })
}

pub(super) async fn cluster(pages: &dyn Pages) -> Result<Report, String> {
    let (mut page, status) = (pages.get("/cluster").await?, pages.get("/cluster/status").await?);
    let version = pages.get("/version").await?;
    let mut table = Table::new(&["ITEM", "VALUE"]);
    table.row(["id".to_owned(), text(&page["id"])]);
    table.row(["max peer count".to_owned(), text(&page["max_peer_count"])]);
    table.row(["founded".to_owned(), founded(&status)]);
    table.row(["version".to_owned(), text(&version["version"])]);
    if let Some(fields) = page.as_object_mut() {
        fields.insert("status".to_owned(), status);
        fields.insert("version".to_owned(), version["version"].clone());
    }
    Ok(Report::new(page, table))
}

fn founded(status: &Value) -> String {
    if status["is_initialized"] == true { text(&status["raft_bootstrap_time"]) } else { "not yet".to_owned() }
}
