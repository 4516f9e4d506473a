//! `config`, `service-gc-safepoint`: settings, and what holds garbage collection back.

use clap::Subcommand;
use serde_json::{Value, json};

use super::table::Table;
use super::{Change, Pages, Report, list, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Settings of scheduling and replication; `all` for those of the process too
    Show {
        #[arg(value_parser = ["all", "schedule", "replication", "cluster-version"])]
        section: Option<String>,
    },
    /// Change a setting of scheduling or replication, for good
    Set { name: String, value: String },
    /// Bring a setting back to its default
    Delete { name: String },
}

pub(super) async fn run(pages: &dyn Pages, command: &Command) -> Result<Report, String> {
    let section = match command {
        Command::Show { section } => section,
        Command::Set { name, value } => {
            let body = json!({ name: value });
            return pages.change(Change::post("/config", body)).await.map(Report::done);
        }
        Command::Delete { name } => {
            let path = format!("/config/item/{name}");
            return pages.change(Change::delete(&path)).await.map(Report::done);
        }
    };
    let page = match section.as_deref() {
        Some("schedule") => pages.get("/config/schedule").await?,
        Some("replication") => pages.get("/config/replicate").await?,
        Some("cluster-version") => pages.get("/config/cluster-version").await?,
        Some(_) => pages.get("/config").await?,
        None => {
            let mut page = pages.get("/config").await?;
            if let Some(fields) = page.as_object_mut() {
                fields.retain(|name, _| matches!(name.as_str(), "schedule" | "replication"));
            }
            page
        }
    };
    let mut table = Table::new(&["ITEM", "VALUE"]);
    flatten("", &page, &mut table);
    Ok(Report::new(page, table))
}

/// `schedule.max-store-down-time  30m0s`
fn flatten(prefix: &str, value: &Value, table: &mut Table) {
    let Some(fields) = value.as_object() else {
        return table.row([prefix.to_owned(), text(value)]);
    };
    for (name, value) in fields {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        flatten(&name, value, table);
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum HoldCommand {
    /// A service holds it back no longer
    Delete { service: String },
}

pub(super) async fn gc_safe_points(
    pages: &dyn Pages,
    command: Option<&HoldCommand>,
) -> Result<Report, String> {
    if let Some(HoldCommand::Delete { service }) = command {
        let path = format!("/gc/safepoint/{service}");
        return pages.change(Change::delete(&path)).await.map(Report::done);
    }
    let page = pages.get("/gc/safepoint").await?;
    let mut table = Table::new(&["SERVICE", "SAFE POINT", "EXPIRES (UNIX S)"]);
    for hold in list(&page, "service_gc_safe_points") {
        table.row(["service_id", "safe_point", "expired_at"].map(|name| text(&hold[name])));
    }
    table.row(["in force".to_owned(), text(&page["gc_safe_point"]), "-".to_owned()]);
    Ok(Report::new(page, table))
}
