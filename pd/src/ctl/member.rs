//! `member`: the PD group.

use clap::Subcommand;
use serde_json::Value;

use super::table::Table;
use super::{Pages, Report, list, text};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// All members
    Show,
    /// The member that leads
    Leader,
}

pub(super) async fn run(pages: &dyn Pages, command: &Command) -> Result<Report, String> {
    let mut table = Table::new(&["NAME", "ID", "CLIENT URLS", "VERSION", "ROLE"]);
    let mut add = |member: &Value, leads: bool| {
        let role = if leads { "leader" } else { "follower" };
        let fields = ["name", "member_id", "client_urls", "binary_version"].map(|name| text(&member[name]));
        table.row(fields.into_iter().chain([role.to_owned()]));
    };
    let page = match command {
        Command::Show => {
            let page = pages.get("/members").await?;
            let leader = &page["leader"]["member_id"];
            list(&page, "members").iter().for_each(|member| add(member, member["member_id"] == *leader));
            page
        }
        Command::Leader => {
            let page = pages.get("/leader").await?;
            add(&page, true);
            page
        }
    };
    Ok(Report::new(page, table))
}
