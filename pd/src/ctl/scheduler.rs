//! `scheduler`: what evens the cluster out.

use clap::Subcommand;
use serde_json::{Value, json};

use super::table::Table;
use super::{Change, Pages, Report, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Schedulers that run, and how they are
    Show,
    /// Start a scheduler: balance-leader, balance-region, hot-region, evict-slow-store, shuffle-leader, shuffle-region,
    /// evict-leader STORE, grant-leader STORE
    Add { name: String, store: Option<u64> },
    /// Stop a scheduler; evict-leader-STORE and grant-leader-STORE for one of its stores
    Remove { name: String },
    /// Halt a scheduler, or `all`, for some seconds
    Pause {
        name: String,
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
    },
    /// Let a scheduler, or `all`, go on
    Resume { name: String },
    /// How a scheduler is, and why it does nothing
    Describe { name: String },
}

pub(super) async fn run(pages: &dyn Pages, command: &Command) -> Result<Report, String> {
    let delay = |name: &str, seconds: u64| (format!("/schedulers/{name}"), json!({ "delay": seconds }));
    let (path, body) = match command {
        Command::Show => return show(pages, "/schedulers/details").await,
        Command::Describe { name } => return show(pages, &format!("/schedulers/diagnostic/{name}")).await,
        Command::Remove { name } => {
            let path = format!("/schedulers/{name}");
            return pages.change(Change::delete(&path)).await.map(Report::done);
        }
        Command::Add { name, store: None } => ("/schedulers".to_owned(), json!({ "name": name })),
        Command::Add { name, store: Some(store) } => {
            ("/schedulers".to_owned(), json!({ "name": name, "store_id": store }))
        }
        Command::Pause { name, seconds } => delay(name, *seconds),
        Command::Resume { name } => delay(name, 0),
    };
    pages.change(Change::post(&path, body)).await.map(Report::done)
}

async fn show(pages: &dyn Pages, path: &str) -> Result<Report, String> {
    let page = pages.get(path).await?;
    let mut table = Table::new(&["NAME", "STATUS", "STORES", "PAUSED FOR S", "SUMMARY"]);
    let shown = page.as_array().map_or(std::slice::from_ref(&page), Vec::as_slice);
    for scheduler in shown {
        let cell = |name: &str| text(scheduler.get(name).unwrap_or(&Value::Null));
        table.row(["name", "status", "stores", "paused_for_seconds", "summary"].map(cell));
    }
    Ok(Report::new(page, table))
}
