//! The command line: every command, its words and its examples.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use super::{Outcome, config, hot, label, member, operator, placement_rules, region, scheduler, store, tls};

const EXAMPLES: &str = "Examples:
  rutile pd status
  rutile pd --pd 10.0.0.1:2379,10.0.0.2:2379 store
  rutile pd region key 7480000000000000 --format hex
  rutile pd region check miss-peer --json
  rutile pd tso 449999999999999999
  rutile pd operator add transfer-leader 2 4
  rutile pd scheduler add evict-leader 4
  rutile pd store label 4 zone=a host=h4
  rutile pd placement-rules show
  rutile pd hot write
  rutile pd store delete 4
  rutile pd member leader transfer pd2";

#[derive(Debug, Parser)]
#[command(name = "rutile pd", about = "Ask the placement driver", after_help = EXAMPLES)]
pub(super) struct Cli {
    /// Addresses of PD members; the first that answers is asked [env PD_ADDR too; default: 127.0.0.1:2379]
    #[arg(long, short = 'u', global = true, env = "RUTILE_PD", value_delimiter = ',')]
    pub(super) pd: Vec<String>,
    /// Print what PD answered instead of a table
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Read commands one after another, with history and completion
    #[arg(short = 'i', long)]
    pub(super) interactive: bool,
    #[command(flatten)]
    pub(super) tls: tls::Options,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Whether members and stores are well; the exit code says it too
    Health,
    /// One verdict on the whole cluster, with its reasons; the exit code says it too
    Status,
    /// Identity of the cluster
    Cluster,
    /// Members of the PD group: all, who leads, or to change either
    Member {
        #[command(subcommand)]
        command: Option<member::Command>,
    },
    /// Stores: all, one, or to empty one
    #[command(after_help = "Examples:\n\
        \x20 rutile pd store\n\
        \x20 rutile pd store --state offline\n\
        \x20 rutile pd store label 4 zone=a host=h4\n\
        \x20 rutile pd store weight 4 2 1\n\
        \x20 rutile pd store limit all 5 add-peer\n\
        \x20 rutile pd store delete 4")]
    Store(store::Options),
    /// Regions: all, one, or those that stand out
    #[command(after_help = "Examples:\n\
        \x20 rutile pd region 2\n\
        \x20 rutile pd region key 7480000000000000\n\
        \x20 rutile pd region check down-peer\n\
        \x20 rutile pd region topwrite key --limit 5\n\
        \x20 rutile pd region histogram size 64")]
    Region(region::Options),
    /// Operators: what is being done with regions, and to have something done
    #[command(subcommand)]
    #[command(after_help = "Examples:\n\
        \x20 rutile pd operator show\n\
        \x20 rutile pd operator add transfer-leader 2 4\n\
        \x20 rutile pd operator add transfer-region 2 1 3 4\n\
        \x20 rutile pd operator add scatter-region 2 --group orders\n\
        \x20 rutile pd operator check 2")]
    Operator(operator::Command),
    /// Schedulers: what evens the cluster out
    #[command(subcommand)]
    #[command(after_help = "Examples:\n\
        \x20 rutile pd scheduler show\n\
        \x20 rutile pd scheduler add evict-leader 4\n\
        \x20 rutile pd scheduler remove evict-leader-4\n\
        \x20 rutile pd scheduler pause balance-region 600\n\
        \x20 rutile pd scheduler describe hot-region")]
    Scheduler(scheduler::Command),
    /// What is read and written much, and where
    #[command(subcommand)]
    #[command(after_help = "Examples:\n\
        \x20 rutile pd hot write\n\
        \x20 rutile pd hot read 1 2\n\
        \x20 rutile pd hot history --limit 20")]
    Hot(hot::Command),
    /// Stores by place
    Topology,
    /// What happened lately
    Events {
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// What a timestamp says
    Tso { timestamp: u64 },
    /// Settings
    #[command(subcommand)]
    #[command(after_help = "Examples:\n\
        \x20 rutile pd config show\n\
        \x20 rutile pd config set location-labels zone,rack,host\n\
        \x20 rutile pd config set max-store-down-time 10m\n\
        \x20 rutile pd config delete location-labels")]
    Config(config::Command),
    /// Labels of stores
    #[command(after_help = "Examples:\n\
        \x20 rutile pd label\n\
        \x20 rutile pd label store zone a")]
    Label(label::Options),
    /// Which stores the peers of a region belong on
    #[command(subcommand)]
    #[command(after_help = "Examples:\n\
        \x20 rutile pd placement-rules show\n\
        \x20 rutile pd placement-rules load --out rules.json\n\
        \x20 rutile pd placement-rules save --in rules.json\n\
        \x20 rutile pd placement-rules fit 2\n\
        \x20 rutile pd placement-rules rule-group set archive 10 --override")]
    PlacementRules(placement_rules::Command),
    /// Below which timestamp nothing commits any more: of the cluster and its stores, or of some stores
    MinResolvedTs {
        /// Stores, as 1,2
        #[arg(long)]
        scope: Option<String>,
    },
    /// Who holds garbage collection back
    ServiceGcSafepoint {
        #[command(subcommand)]
        command: Option<config::HoldCommand>,
    },
}

pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, Outcome> {
    Cli::try_parse_from(arguments).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Outcome { out: error.to_string(), problem: None, code: 0 }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Outcome::failed("no command given; try `rutile pd --help`".to_owned(), 2)
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or("bad arguments");
            Outcome::failed(line.trim_start_matches("error: ").to_owned(), 2)
        }
    })
}
