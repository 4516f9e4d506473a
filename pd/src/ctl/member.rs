//! `member`: the PD group, who leads it, who is in it.

use clap::Subcommand;
use serde_json::{Value, json};

use super::table::Table;
use super::{Change, Pages, Report, list, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// All members
    Show,
    /// The member that leads, or to have another one lead
    Leader {
        #[command(subcommand)]
        command: Option<Leader>,
    },
    /// Take a member out of the group for good
    #[command(subcommand)]
    Delete(Delete),
    /// Have members of a higher priority lead when they can; 0 at first
    #[command(name = "leader-priority", alias = "leader_priority")]
    LeaderPriority {
        name: String,
        #[arg(allow_negative_numbers = true)]
        priority: i32,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Leader {
    /// The member that leads
    Show,
    /// Have this member lead
    Transfer { name: String },
    /// Have any other member lead
    Resign,
}

#[derive(Debug, Subcommand)]
pub(super) enum Delete {
    /// The member of this name
    Name { name: String },
    /// The member of this id
    Id { id: u64 },
}

pub(super) async fn run(pages: &dyn Pages, command: Option<&Command>) -> Result<Report, String> {
    let change = |change| async move { pages.change(change).await.map(Report::done) };
    let Some(command) = command else {
        return show(pages).await;
    };
    match command {
        Command::Show => show(pages).await,
        Command::Leader { command: None | Some(Leader::Show) } => leader(pages).await,
        Command::Leader { command: Some(Leader::Transfer { name }) } => {
            change(Change::post(&format!("/leader/transfer/{name}"), Value::Null)).await
        }
        Command::Leader { command: Some(Leader::Resign) } => {
            change(Change::post("/leader/resign", Value::Null)).await
        }
        Command::Delete(Delete::Name { name }) => {
            change(Change::delete(&format!("/members/name/{name}"))).await
        }
        Command::Delete(Delete::Id { id }) => change(Change::delete(&format!("/members/id/{id}"))).await,
        Command::LeaderPriority { name, priority } => {
            let body = json!({ "leader-priority": priority });
            change(Change::post(&format!("/members/name/{name}"), body)).await
        }
    }
}

fn table() -> Table {
    Table::new(&["NAME", "ID", "CLIENT URLS", "VERSION", "ROLE"])
}

fn add(table: &mut Table, member: &Value, leads: bool) {
    let role = if leads { "leader" } else { "follower" };
    let fields = ["name", "member_id", "client_urls", "binary_version"].map(|name| text(&member[name]));
    table.row(fields.into_iter().chain([role.to_owned()]));
}

async fn show(pages: &dyn Pages) -> Result<Report, String> {
    let page = pages.get("/members").await?;
    let leader = &page["leader"]["member_id"];
    let mut table = table();
    for member in list(&page, "members") {
        add(&mut table, member, member["member_id"] == *leader);
    }
    Ok(Report::new(page, table))
}

async fn leader(pages: &dyn Pages) -> Result<Report, String> {
    let page = pages.get("/leader").await?;
    let mut table = table();
    add(&mut table, &page, true);
    Ok(Report::new(page, table))
}
