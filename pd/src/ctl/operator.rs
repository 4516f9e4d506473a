//! `operator`: what is being done with regions.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::table::Table;
use super::{Change, Pages, Report, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Operators under way
    Show {
        #[arg(value_parser = ["admin", "leader", "merge", "region", "hot-region", "replica"])]
        kind: Option<String>,
    },
    /// The last operators that ended
    History,
    /// The operator of a region, or how its last one ended
    Check { region: u64 },
    /// Have something done with a region
    #[command(subcommand)]
    Add(Wanted),
    /// Give the operator of a region up
    Remove { region: u64 },
}

#[derive(Debug, Subcommand)]
pub(super) enum Wanted {
    /// Let the peer on a store lead
    TransferLeader { region: u64, to_store: u64 },
    /// Move a peer from one store to another
    TransferPeer { region: u64, from_store: u64, to_store: u64 },
    /// Add a voter on a store
    AddPeer { region: u64, store: u64 },
    /// Add a learner on a store; without a place among the replicas it is removed again
    AddLearner { region: u64, store: u64 },
    /// Remove the peer on a store
    RemovePeer { region: u64, store: u64 },
    /// Put the voters of a region on these stores and no others
    TransferRegion {
        region: u64,
        #[arg(required = true)]
        to_stores: Vec<u64>,
    },
    /// Spread a region; those of a group evenly
    ScatterRegion {
        region: u64,
        #[arg(long, default_value = "")]
        group: String,
    },
    /// Merge a region into its neighbour
    MergeRegion { source: u64, target: u64 },
    /// Split a region in the middle, or at encoded keys
    SplitRegion {
        region: u64,
        #[arg(long, value_enum, default_value = "scan")]
        policy: Policy,
        /// Encoded keys in hexadecimal, for the policy usekey
        #[arg(long, value_delimiter = ',')]
        keys: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Policy {
    Scan,
    Approximate,
    Usekey,
}

pub(super) async fn run(pages: &dyn Pages, command: &Command) -> Result<Report, String> {
    match command {
        Command::Show { kind } => {
            let query = kind.as_ref().map(|kind| format!("?kind={kind}")).unwrap_or_default();
            let page = pages.get(&format!("/operators{query}")).await?;
            Ok(table(page))
        }
        Command::History => Ok(table(pages.get("/operators/records").await?)),
        Command::Check { region } => {
            let page = pages.get(&format!("/operators/{region}")).await?;
            Ok(table(page))
        }
        Command::Add(wanted) => {
            let body = body(wanted);
            pages.change(Change::post("/operators", body)).await.map(Report::done)
        }
        Command::Remove { region } => {
            pages.change(Change::delete(&format!("/operators/{region}"))).await.map(Report::done)
        }
    }
}

fn body(wanted: &Wanted) -> Value {
    match wanted {
        Wanted::TransferLeader { region, to_store } => {
            json!({ "name": "transfer-leader", "region_id": region, "to_store_id": to_store })
        }
        Wanted::TransferPeer { region, from_store, to_store } => json!({
            "name": "transfer-peer",
            "region_id": region,
            "from_store_id": from_store,
            "to_store_id": to_store,
        }),
        Wanted::AddPeer { region, store } => {
            json!({ "name": "add-peer", "region_id": region, "store_id": store })
        }
        Wanted::AddLearner { region, store } => {
            json!({ "name": "add-learner", "region_id": region, "store_id": store })
        }
        Wanted::RemovePeer { region, store } => {
            json!({ "name": "remove-peer", "region_id": region, "store_id": store })
        }
        Wanted::TransferRegion { region, to_stores } => {
            json!({ "name": "transfer-region", "region_id": region, "to_store_ids": to_stores })
        }
        Wanted::ScatterRegion { region, group } => {
            json!({ "name": "scatter-region", "region_id": region, "group": group })
        }
        Wanted::MergeRegion { source, target } => json!({
            "name": "merge-region",
            "source_region_id": source,
            "target_region_id": target,
        }),
        Wanted::SplitRegion { region, policy, keys } => {
            let policy = match policy {
                Policy::Scan => "scan",
                Policy::Approximate => "approximate",
                Policy::Usekey => "usekey",
            };
            json!({ "name": "split-region", "region_id": region, "policy": policy, "keys": keys })
        }
    }
}

fn table(page: Value) -> Report {
    let mut table = Table::new(&["REGION", "OPERATOR", "KIND", "STATUS", "STEP", "REASON"]);
    let shown = page.as_array().map_or(std::slice::from_ref(&page), Vec::as_slice);
    for operator in shown {
        let steps = operator["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let current = operator["current_step"].as_u64().unwrap_or_default();
        let index = usize::try_from(current).unwrap_or(usize::MAX);
        let step = steps.get(index).map_or_else(|| "-".to_owned(), text);
        let why = [&operator["cancel_reason"], &operator["reason"]];
        let why = why.into_iter().find(|why| !why.is_null()).map_or_else(|| "-".to_owned(), text);
        let mut row = ["region_id", "name", "kind", "status"].map(|name| text(&operator[name])).to_vec();
        row.push(format!("{}/{} {step}", (index + 1).min(steps.len()), steps.len()));
        row.push(why);
        table.row(row);
    }
    Report::new(page, table)
}
