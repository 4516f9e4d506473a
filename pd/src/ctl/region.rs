//! `region`: where keys are, and regions that stand out.

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::table::Table;
use super::{Pages, Report, list, text};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    /// One region; all without it
    id: Option<u64>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The key as it stands here
    Raw,
    Hex,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The region of an encoded key
    Key {
        key: String,
        #[arg(long, value_enum, default_value = "hex")]
        format: Format,
    },
    /// Regions of a range of encoded keys, in order
    Scan {
        #[arg(long, default_value = "")]
        start: String,
        #[arg(long, default_value = "")]
        end: String,
        #[arg(long, value_enum, default_value = "hex")]
        format: Format,
        #[arg(long, default_value_t = 16)]
        limit: u32,
    },
    /// The neighbours of a region
    Sibling { id: u64 },
    /// Regions with a peer on a store
    Store { id: u64 },
    /// Regions in an unusual state
    Check {
        #[arg(value_parser = ["miss-peer", "extra-peer", "down-peer", "pending-peer", "learner-peer", "empty-region"])]
        state: String,
    },
    /// The first regions by an order
    Top {
        #[arg(value_parser = ["size", "keys", "readflow", "writeflow", "version", "confver"])]
        order: String,
        #[arg(long, default_value_t = 16)]
        limit: u32,
    },
}

pub(super) async fn run(pages: &dyn Pages, options: &Options) -> Result<Report, String> {
    let path = match (&options.command, options.id) {
        (None, None) => "/regions".to_owned(),
        (None, Some(id)) => format!("/region/id/{id}"),
        (Some(Command::Key { key, format }), _) => format!("/region/key/{}?format=hex", hex(key, *format)),
        (Some(Command::Scan { start, end, format, limit }), _) => {
            let (start, end) = (hex(start, *format), hex(end, *format));
            format!("/regions/key?key={start}&end_key={end}&limit={limit}&format=hex")
        }
        (Some(Command::Sibling { id }), _) => format!("/regions/sibling/{id}"),
        (Some(Command::Store { id }), _) => format!("/regions/store/{id}"),
        (Some(Command::Check { state }), _) => format!("/regions/check/{state}"),
        (Some(Command::Top { order, limit }), _) => format!("/regions/{order}?limit={limit}"),
    };
    let page = pages.get(&path).await?;
    if page.is_null() {
        return Err("no such region".to_owned());
    }
    let mut table =
        Table::new(&["ID", "START", "END", "EPOCH", "LEADER STORE", "PEER STORES", "SIZE MiB", "KEYS"]);
    let regions =
        if page["regions"].is_array() { list(&page, "regions") } else { std::slice::from_ref(&page) };
    regions.iter().for_each(|region| table.row(cells(region)));
    Ok(Report::new(page, table))
}

fn hex(key: &str, format: Format) -> String {
    match format {
        Format::Hex => key.to_owned(),
        Format::Raw => key.bytes().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02X}");
            text
        }),
    }
}

fn cells(region: &Value) -> Vec<String> {
    let epoch = &region["epoch"];
    let peers = list(region, "peers").iter().map(|peer| match peer["role_name"].as_str() {
        Some("Voter") | None => text(&peer["store_id"]),
        Some(role) => format!("{}({role})", text(&peer["store_id"])),
    });
    vec![
        text(&region["id"]),
        text(&region["start_key"]),
        text(&region["end_key"]),
        format!("{}:{}", text(&epoch["conf_ver"]), text(&epoch["version"])),
        text(&region["leader"]["store_id"]),
        peers.collect::<Vec<_>>().join(","),
        text(&region["approximate_size"]),
        text(&region["approximate_keys"]),
    ]
}
