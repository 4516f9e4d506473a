//! `min-resolved-ts`: below which timestamp nothing commits any more.

use rutile_kv_types::TimeStamp;
use serde_json::Value;

use super::table::Table;
use super::{Pages, Report};
use crate::api::time;

/// Of the cluster and its stores, or of some stores.
pub(super) async fn run(pages: &dyn Pages, scope: Option<&str>) -> Result<Report, String> {
    let page = pages.get(&format!("/min-resolved-ts?scope={}", scope.unwrap_or("cluster"))).await?;
    let mut table = Table::new(&["OF", "RESOLVED TS", "TIME"]);
    let whole = if scope.is_none_or(|scope| scope == "cluster") { "cluster" } else { "these stores" };
    table.row(row(whole, &page["min_resolved_ts"]));
    for (store, resolved_ts) in page["stores_min_resolved_ts"].as_object().into_iter().flatten() {
        table.row(row(&format!("store {store}"), resolved_ts));
    }
    Ok(Report::new(page, table))
}

fn row(name: &str, resolved_ts: &Value) -> [String; 3] {
    match resolved_ts.as_u64() {
        None | Some(0) => [name.to_owned(), "-".to_owned(), "not known yet".to_owned()],
        Some(ts) => [name.to_owned(), ts.to_string(), time(TimeStamp::new(ts).physical())],
    }
}
