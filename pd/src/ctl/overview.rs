//! `status`, `topology`, `events`: the cluster in one look.

use serde_json::{Value, json};

use super::table::Table;
use super::{Pages, Report, health, list, text};

/// One verdict, with what speaks against a good one.
pub(super) async fn status(pages: &dyn Pages) -> Result<Report, String> {
    let health = health::health(pages).await?;
    let mut reasons: Vec<String> = Vec::new();
    for member in list(&health.page, "members").iter().filter(|member| member["health"] != true) {
        reasons.push(format!("member {} does not answer", text(&member["name"])));
    }
    let stores: Vec<&Value> = list(&health.page, "stores").iter().map(|shown| &shown["store"]).collect();
    let up = stores.iter().filter(|store| store["state_name"] == "Up").count();
    for store in stores.iter().filter(|store| !matches!(store["state_name"].as_str(), Some("Up" | "Offline")))
    {
        let (id, address, state) = (text(&store["id"]), text(&store["address"]), text(&store["state_name"]));
        reasons.push(format!("store {id} at {address} is {state}"));
    }
    let mut counts = json!({ "stores": stores.len(), "stores-up": up });
    let founded = pages.get("/cluster/status").await?["is_initialized"] == true;
    if founded {
        let regions = pages.get("/regions/count").await?;
        counts["regions"] = regions["count"].clone();
        let wanted = pages.get("/cluster").await?["max_peer_count"].as_u64().unwrap_or_default();
        for state in ["miss-peer", "down-peer", "pending-peer", "extra-peer", "learner-peer", "offline-peer"]
        {
            let count =
                pages.get(&format!("/regions/check/{state}")).await?["count"].as_u64().unwrap_or_default();
            counts[state] = json!(count);
            // Too few stores can not hold all replicas, which is as it was made.
            let matters = state == "down-peer" || state == "miss-peer" && up as u64 >= wanted;
            if matters && count > 0 {
                reasons.push(format!("{count} regions have {state}"));
            }
        }
        counts["operators"] = json!(pages.get("/operators").await?.as_array().map_or(0, Vec::len));
    }
    let is_well = reasons.is_empty() && health.is_well;
    let mut table = Table::new(&["ITEM", "VALUE"]);
    table.row(["verdict".to_owned(), if is_well { "healthy" } else { "unhealthy" }.to_owned()]);
    reasons.iter().for_each(|reason| table.row(["reason".to_owned(), reason.clone()]));
    for (name, value) in counts.as_object().into_iter().flatten() {
        table.row([name.clone(), text(value)]);
    }
    let page = json!({ "healthy": is_well, "reasons": reasons, "counts": counts });
    Ok(Report { page, table, is_well })
}

/// What happened lately.
pub(super) async fn events(pages: &dyn Pages, limit: u32) -> Result<Report, String> {
    let page = pages.get(&format!("/events?limit={limit}")).await?;
    let mut table = Table::new(&["TIME", "KIND", "WHAT"]);
    for event in page.as_array().map_or(&[][..], Vec::as_slice) {
        table.row(["time", "kind", "text"].map(|name| text(&event[name])));
    }
    Ok(Report::new(page, table))
}

/// Stores by place, the widest level of the location labels first.
pub(super) async fn topology(pages: &dyn Pages) -> Result<Report, String> {
    let (stores, settings) = (pages.get("/stores").await?, pages.get("/config/replicate").await?);
    let levels: Vec<&str> = settings["location-labels"]
        .as_str()
        .unwrap_or_default()
        .split(',')
        .filter(|level| !level.is_empty())
        .collect();
    let place = |store: &Value| -> Vec<String> {
        let of = |level: &&str| {
            let labels = list(store, "labels").iter();
            let mut value = labels.filter(|label| label["key"] == *level).map(|label| text(&label["value"]));
            let value = value.next_back().unwrap_or_else(|| "-".to_owned());
            format!("{level}={value}")
        };
        levels.iter().map(of).collect()
    };
    let mut placed: Vec<(Vec<String>, &Value)> =
        list(&stores, "stores").iter().map(|shown| (place(&shown["store"]), shown)).collect();
    placed.sort_by(|one, other| one.0.cmp(&other.0));
    let mut table = Table::new(&["PLACE", "STORE", "ADDRESS", "STATE", "LEADERS", "REGIONS"]);
    for (place, shown) in &placed {
        let place = if place.is_empty() { "-".to_owned() } else { place.join(" ") };
        let (store, status) = (&shown["store"], &shown["status"]);
        let mut row = vec![place];
        row.extend(["id", "address", "state_name"].map(|name| text(&store[name])));
        row.extend(["leader_count", "region_count"].map(|name| text(&status[name])));
        table.row(row);
    }
    let shown = placed
        .iter()
        .map(|(place, shown)| json!({ "place": place, "store": shown["store"], "status": shown["status"] }));
    let page = json!({ "location-labels": levels, "stores": shown.collect::<Value>() });
    Ok(Report::new(page, table))
}
