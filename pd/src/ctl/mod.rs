//! `rutile pd`: what operators ask of PD, as a readable table or as JSON.
//!
//! One file per group of commands, each from pages of the HTTP interface ([`crate::pages`]) to a [`Report`]; [`http`]
//! fetches the pages, [`table`] aligns them. The exit code is 0 when all is well, 1 when it is not or PD can not be
//! asked, 2 when the command makes no sense.
//!
//! Deliberately missing: an interactive shell.

mod config;
mod health;
mod http;
mod member;
mod operator;
mod pages;
mod region;
mod scheduler;
mod store;
mod table;
mod tso;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use rutile_kv_env::Env;
use serde_json::Value;

use pages::{Change, Pages};
use table::Table;

const EXAMPLES: &str = "Examples:
  rutile pd health
  rutile pd --pd 10.0.0.1:2379,10.0.0.2:2379 store
  rutile pd region key 7480000000000000 --format hex
  rutile pd region check miss-peer --json
  rutile pd tso 449999999999999999
  rutile pd operator add transfer-leader 2 4
  rutile pd scheduler add evict-leader-scheduler 4
  rutile pd store delete 4";

#[derive(Debug, Parser)]
#[command(name = "rutile pd", about = "Ask the placement driver", after_help = EXAMPLES)]
struct Cli {
    /// Addresses of PD members; the first that answers is asked
    #[arg(
        long,
        short = 'u',
        global = true,
        env = "RUTILE_PD",
        default_value = "127.0.0.1:2379",
        value_delimiter = ','
    )]
    pd: Vec<String>,
    /// Print what PD answered instead of a table
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Whether members and stores are well; the exit code says it too
    Health,
    /// Identity of the cluster
    Cluster,
    /// Members of the PD group
    #[command(subcommand)]
    Member(member::Command),
    /// Stores: all, one, or to empty one
    Store(store::Options),
    /// Regions: all, one, or those that stand out
    Region(region::Options),
    /// Operators: what is being done with regions, and to have something done
    #[command(subcommand)]
    Operator(operator::Command),
    /// Schedulers: what evens the cluster out
    #[command(subcommand)]
    Scheduler(scheduler::Command),
    /// What a timestamp says
    Tso { timestamp: u64 },
    /// Settings
    #[command(subcommand)]
    Config(config::Command),
    /// Who holds garbage collection back
    ServiceGcSafepoint,
}

/// What a command found.
struct Report {
    page: Value,
    table: Table,
    is_well: bool,
}

impl Report {
    fn new(page: Value, table: Table) -> Report {
        Report { page, table, is_well: true }
    }

    /// What PD said to a change.
    fn done(page: Value) -> Report {
        let table = Table::line(&text(&page));
        Report::new(page, table)
    }
}

/// What to print, and how to exit.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub out: String,
    pub problem: Option<String>,
    pub code: u8,
}

impl Outcome {
    fn failed(problem: String, code: u8) -> Outcome {
        Outcome { out: String::new(), problem: Some(problem), code }
    }
}

/// Runs a command line, whose first word is the program's name.
pub async fn run_ctl(env: &Env, arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(outcome) => return outcome,
    };
    let pages = http::Members { env: env.clone(), addresses: cli.pd.clone() };
    answer(&cli, &pages).await
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, Outcome> {
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

async fn answer(cli: &Cli, pages: &dyn Pages) -> Outcome {
    let report = match &cli.command {
        Command::Health => health::health(pages).await,
        Command::Cluster => health::cluster(pages).await,
        Command::Member(command) => member::run(pages, command).await,
        Command::Store(options) => store::run(pages, options).await,
        Command::Region(options) => region::run(pages, options).await,
        Command::Operator(command) => operator::run(pages, command).await,
        Command::Scheduler(command) => scheduler::run(pages, command).await,
        Command::Tso { timestamp } => Ok(tso::show(*timestamp)),
        Command::Config(command) => config::run(pages, command).await,
        Command::ServiceGcSafepoint => config::gc_safe_points(pages).await,
    };
    match report {
        Ok(report) => {
            let out = if cli.json { format!("{:#}\n", report.page) } else { report.table.to_string() };
            Outcome { out, problem: None, code: u8::from(!report.is_well) }
        }
        Err(problem) => Outcome::failed(problem, 1),
    }
}

/// A value of a page as one cell.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let all: Vec<String> = values.iter().map(text).collect();
            if all.is_empty() { "-".to_owned() } else { all.join(",") }
        }
        other => other.to_string(),
    }
}

fn list<'a>(page: &'a Value, name: &str) -> &'a [Value] {
    page[name].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
