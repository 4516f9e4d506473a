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
    #[command(alias = "keys")]
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
        #[arg(value_parser = [
            "miss-peer",
            "extra-peer",
            "down-peer",
            "pending-peer",
            "learner-peer",
            "offline-peer",
            "empty-region",
            "oversized-region",
            "undersized-region",
        ])]
        state: String,
    },
    /// The first regions by an order
    Top {
        #[arg(value_parser = ["size", "keys", "readflow", "writeflow", "readkeys", "writekeys", "version", "confver"])]
        order: String,
        #[arg(long, default_value_t = 16)]
        limit: u32,
    },
    /// The regions that are read most: by bytes, or by keys
    Topread {
        #[arg(value_parser = ["byte", "key"], default_value = "byte")]
        by: String,
        #[arg(long, default_value_t = 16)]
        limit: u32,
    },
    /// The regions that are written most: by bytes, or by keys
    Topwrite {
        #[arg(value_parser = ["byte", "key"], default_value = "byte")]
        by: String,
        #[arg(long, default_value_t = 16)]
        limit: u32,
    },
    /// The largest regions
    Topsize {
        #[arg(default_value_t = 16)]
        limit: u32,
    },
    /// The regions with most keys
    Topkeys {
        #[arg(default_value_t = 16)]
        limit: u32,
    },
    /// How many regions are of which size
    Histogram {
        #[arg(value_parser = ["size", "keys"])]
        by: String,
        /// Width of a class: MiB, or keys
        bound: Option<u64>,
    },
    /// Ranges of keys that no region holds
    RangeHoles,
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
        (Some(Command::Topread { by, limit }), _) => format!("/regions/{}?limit={limit}", flow("read", by)),
        (Some(Command::Topwrite { by, limit }), _) => format!("/regions/{}?limit={limit}", flow("write", by)),
        (Some(Command::Topsize { limit }), _) => format!("/regions/size?limit={limit}"),
        (Some(Command::Topkeys { limit }), _) => format!("/regions/keys?limit={limit}"),
        (Some(Command::Histogram { by, bound }), _) => return histogram(pages, by, *bound).await,
        (Some(Command::RangeHoles), _) => return holes(pages).await,
    };
    let page = pages.get(&path).await?;
    if page.is_null() {
        return Err("no such region".to_owned());
    }
    let mut table =
        Table::new(&["ID", "START", "END", "EPOCH", "LEADER STORE", "PEER STORES", "SIZE MiB", "KEYS"]);
    let regions =
        if page["regions"].is_array() { list(&page, "regions") } else { std::slice::from_ref(&page) };
    let rates = ["read_bytes_rate", "read_keys_rate", "written_bytes_rate", "written_keys_rate"];
    if regions.iter().any(|region| !region[rates[0]].is_null()) {
        table.more(&["READ B/S", "READ KEYS/S", "WRITTEN B/S", "WRITTEN KEYS/S"]);
    }
    for region in regions {
        let told = rates.iter().map(|name| &region[*name]).filter(|rate| !rate.is_null());
        table.row(cells(region).into_iter().chain(told.map(text)));
    }
    Ok(Report::new(page, table))
}

/// An order by traffic.
fn flow(access: &str, by: &str) -> String {
    format!("{access}{}", if by == "key" { "keys" } else { "flow" })
}

async fn histogram(pages: &dyn Pages, by: &str, bound: Option<u64>) -> Result<Report, String> {
    let query = bound.map(|bound| format!("?bound={bound}")).unwrap_or_default();
    let page = pages.get(&format!("/regions/check/hist-{by}{query}")).await?;
    let mut table = Table::new(&["FROM", "TO", "REGIONS"]);
    for class in page.as_array().map_or(&[][..], Vec::as_slice) {
        table.row(["start", "end", "count"].map(|name| text(&class[name])));
    }
    Ok(Report::new(page, table))
}

async fn holes(pages: &dyn Pages) -> Result<Report, String> {
    let page = pages.get("/regions/range-holes").await?;
    let mut table = Table::new(&["START", "END"]);
    for hole in page.as_array().map_or(&[][..], Vec::as_slice) {
        table.row(hole.as_array().into_iter().flatten().map(text));
    }
    let is_well = page.as_array().is_none_or(Vec::is_empty);
    Ok(Report { page, table, is_well })
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
