//! `label`: labels of stores.

use clap::{Args, Subcommand};

use super::table::Table;
use super::{Pages, Report, store, text};

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Stores with a label; of any value without one
    Store { key: String, value: Option<String> },
}

pub(super) async fn run(pages: &dyn Pages, options: &Options) -> Result<Report, String> {
    if let Some(Command::Store { key, value }) = &options.command {
        let value = value.as_deref().unwrap_or_default();
        let page = pages.get(&format!("/labels/stores?name={key}&value={value}")).await?;
        return Ok(store::table(page, true));
    }
    let page = pages.get("/labels").await?;
    let mut table = Table::new(&["KEY", "VALUE"]);
    for label in page.as_array().map_or(&[][..], Vec::as_slice) {
        table.row([text(&label["key"]), text(&label["value"])]);
    }
    Ok(Report::new(page, table))
}
