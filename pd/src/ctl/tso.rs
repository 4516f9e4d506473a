//! `tso`: the parts of a timestamp. PD is not asked.

use rutile_kv_types::TimeStamp;
use serde_json::json;

use super::table::Table;
use super::{Report, text};
use crate::api::time;

pub(super) fn show(timestamp: u64) -> Report {
    let ts = TimeStamp::new(timestamp);
    let page = json!({ "physical": ts.physical(), "logical": ts.logical(), "time": time(ts.physical()) });
    let mut table = Table::new(&["PHYSICAL MS", "LOGICAL", "TIME"]);
    table.row(["physical", "logical", "time"].map(|name| text(&page[name])));
    Report::new(page, table)
}
