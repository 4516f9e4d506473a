//! `placement-rules`: which stores the peers of a region belong on.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::table::Table;
use super::{Change, Pages, Report, list, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Rules in force: all, those of a group, of a region, or of an encoded key
    Show {
        #[arg(long)]
        group: Option<String>,
        #[arg(long, conflicts_with_all = ["group", "at_key"])]
        region: Option<u64>,
        /// In hexadecimal; `--key` is the certificate's
        #[arg(long, conflicts_with = "group")]
        at_key: Option<String>,
    },
    /// Which peers of a region serve which rule
    Fit { region: u64 },
    /// Write all rules to a file
    Load {
        #[arg(long, default_value = "rules.json")]
        out: PathBuf,
    },
    /// Add or change the rules of a file
    Save {
        #[arg(long = "in", default_value = "rules.json")]
        input: PathBuf,
    },
    /// Delete a rule
    Delete { group: String, id: String },
    /// Let rules say where peers go
    Enable,
    /// Let max-replicas and location-labels alone say where peers go
    Disable,
    /// Groups, and the order in which they apply
    #[command(subcommand)]
    RuleGroup(GroupCommand),
    /// Groups with their rules
    #[command(subcommand)]
    RuleBundle(BundleCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// All groups, or one
    Show { id: Option<String> },
    /// Give a group its place
    Set {
        id: String,
        #[arg(allow_negative_numbers = true)]
        index: i64,
        /// Rules of earlier groups do not apply where it has one
        #[arg(long = "override")]
        overrides: bool,
    },
    /// Take its place away from a group; its rules stay
    Delete { id: String },
}

#[derive(Debug, Subcommand)]
pub(super) enum BundleCommand {
    /// The rules of a group
    Show { id: String },
    /// Delete a group and its rules
    Delete { id: String },
    /// Write all groups and rules to a file
    Load {
        #[arg(long, default_value = "rules.json")]
        out: PathBuf,
    },
    /// Make groups and rules what a file says; those that are not in it go
    Save {
        #[arg(long = "in", default_value = "rules.json")]
        input: PathBuf,
        /// Keep groups that are not in the file
        #[arg(long)]
        partial: bool,
    },
}

pub(super) async fn run(pages: &dyn Pages, command: &Command) -> Result<Report, String> {
    match command {
        Command::Show { group, region, at_key: key } => {
            let path = match (group, region, key) {
                (Some(group), ..) => format!("/config/rules/group/{group}"),
                (_, Some(region), _) => format!("/config/rules/region/{region}"),
                (.., Some(key)) => format!("/config/rules/key/{key}"),
                _ => "/config/rules".to_owned(),
            };
            let page = pages.get(&path).await?;
            let table = rules(page.as_array().map_or(&[], Vec::as_slice));
            Ok(Report::new(page, table))
        }
        Command::Fit { region } => fit(pages, *region).await,
        Command::Load { out } => load(pages, "/config/rules", out).await,
        Command::Save { input } => {
            let body = read(pages, input)?;
            done(pages, Change::post("/config/rules", body)).await
        }
        Command::Delete { group, id } => {
            done(pages, Change::delete(&format!("/config/rule/{group}/{id}"))).await
        }
        Command::Enable => {
            done(pages, Change::post("/config", json!({ "enable-placement-rules": "true" }))).await
        }
        Command::Disable => {
            done(pages, Change::post("/config", json!({ "enable-placement-rules": "false" }))).await
        }
        Command::RuleGroup(command) => group(pages, command).await,
        Command::RuleBundle(command) => bundle(pages, command).await,
    }
}

async fn done(pages: &dyn Pages, change: Change<'_>) -> Result<Report, String> {
    pages.change(change).await.map(Report::done)
}

async fn group(pages: &dyn Pages, command: &GroupCommand) -> Result<Report, String> {
    let path = match command {
        GroupCommand::Show { id: None } => "/config/rule_groups".to_owned(),
        GroupCommand::Show { id: Some(id) } => format!("/config/rule_group/{id}"),
        GroupCommand::Set { id, index, overrides } => {
            let body = json!({ "id": id, "index": index, "override": overrides });
            return pages.change(Change::post("/config/rule_group", body)).await.map(Report::done);
        }
        GroupCommand::Delete { id } => {
            let path = format!("/config/rule_group/{id}");
            return pages.change(Change::delete(&path)).await.map(Report::done);
        }
    };
    let page = pages.get(&path).await?;
    let mut table = Table::new(&["GROUP", "INDEX", "OVERRIDE"]);
    for group in page.as_array().map_or(std::slice::from_ref(&page), Vec::as_slice) {
        table.row(["id", "index", "override"].map(|name| text(&group[name])));
    }
    Ok(Report::new(page, table))
}

async fn bundle(pages: &dyn Pages, command: &BundleCommand) -> Result<Report, String> {
    match command {
        BundleCommand::Show { id } => {
            let page = pages.get(&format!("/config/placement-rule/{id}")).await?;
            let table = rules(list(&page, "rules"));
            Ok(Report::new(page, table))
        }
        BundleCommand::Delete { id } => {
            let path = format!("/config/placement-rule/{id}");
            pages.change(Change::delete(&path)).await.map(Report::done)
        }
        BundleCommand::Load { out } => load(pages, "/config/placement-rule", out).await,
        BundleCommand::Save { input, partial } => {
            let path = format!("/config/placement-rule?partial={partial}");
            let body = read(pages, input)?;
            pages.change(Change::post(&path, body)).await.map(Report::done)
        }
    }
}

async fn load(pages: &dyn Pages, path: &str, out: &Path) -> Result<Report, String> {
    let page = pages.get(path).await?;
    pages.write_file(out, format!("{page:#}\n").as_bytes())?;
    let count = page.as_array().map_or(0, Vec::len);
    Ok(Report::done(json!(format!("{count} written to {}", out.display()))))
}

fn read(pages: &dyn Pages, input: &Path) -> Result<Value, String> {
    let content = pages.read_file(input)?;
    serde_json::from_slice(&content).map_err(|error| format!("{}: {error}", input.display()))
}

fn rules(shown: &[Value]) -> Table {
    let mut table = Table::new(&[
        "GROUP",
        "ID",
        "ROLE",
        "COUNT",
        "START",
        "END",
        "INDEX",
        "CONSTRAINTS",
        "LOCATION LABELS",
    ]);
    for rule in shown {
        let mut row = ["group_id", "id", "role", "count", "start_key", "end_key"]
            .map(|name| text(&rule[name]))
            .to_vec();
        row.push(rule["index"].as_i64().unwrap_or_default().to_string());
        row.push(constraints(rule));
        row.push(text(&rule["location_labels"]));
        table.row(row);
    }
    table
}

/// `zone in a,b; disk exists`
fn constraints(rule: &Value) -> String {
    let all = list(rule, "label_constraints").iter().map(|constraint| {
        let (key, op) = (text(&constraint["key"]), text(&constraint["op"]));
        match list(constraint, "values") {
            [] => format!("{key} {op}"),
            _ => format!("{key} {op} {}", text(&constraint["values"])),
        }
    });
    let all = all.collect::<Vec<_>>().join("; ");
    if all.is_empty() { "-".to_owned() } else { all }
}

async fn fit(pages: &dyn Pages, region: u64) -> Result<Report, String> {
    let page = pages.get(&format!("/config/rules/region/{region}/detail")).await?;
    let stores = |peers: &Value| {
        let stores = peers.as_array().into_iter().flatten().map(|peer| text(&peer["store_id"]));
        let stores = stores.collect::<Vec<_>>().join(",");
        if stores.is_empty() { "-".to_owned() } else { stores }
    };
    let mut table = Table::new(&["GROUP", "ID", "ROLE", "COUNT", "STORES", "OTHER ROLE ON", "ISOLATION"]);
    for fit in list(&page, "rule-fits") {
        let mut row = ["group_id", "id", "role", "count"].map(|name| text(&fit["rule"][name])).to_vec();
        row.extend([stores(&fit["peers"]), stores(&fit["peers-different-role"])]);
        row.push(text(&fit["isolation-score"]));
        table.row(row);
    }
    let dash = || "-".to_owned();
    let orphans = stores(&page["orphan-peers"]);
    table.row([dash(), "no rule".to_owned(), dash(), dash(), orphans, dash(), dash()]);
    Ok(Report::new(page, table))
}
