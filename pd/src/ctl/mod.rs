//! `rutile pd`: what operators ask of PD, as a readable table or as JSON.
//!
//! One file per group of commands, each from pages of the HTTP interface ([`crate::pages`]) to a [`Report`]; [`http`]
//! fetches the pages, [`table`] aligns them, [`shell`] reads commands one after another. The exit code is 0 when all is
//! well, 1 when it is not or PD can not be asked, 2 when the command makes no sense.

mod cli;
mod config;
mod health;
mod hot;
mod http;
mod label;
mod member;
mod operator;
mod overview;
mod pages;
mod placement_rules;
mod region;
mod resolved_ts;
mod scheduler;
mod shell;
mod store;
mod table;
mod tls;
mod tso;

use std::ffi::OsString;

use rutile_kv_env::Env;
use serde_json::Value;

use cli::{Cli, Command, parse};
use pages::{Change, Pages};
use table::Table;

/// Where PD is asked when nobody says.
const DEFAULT_ADDRESS: &str = "127.0.0.1:2379";

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
    let mut addresses = cli.pd.clone();
    if addresses.is_empty() {
        let known = std::env::var("PD_ADDR").unwrap_or_else(|_| DEFAULT_ADDRESS.to_owned());
        addresses = known.split(',').map(str::to_owned).collect();
    }
    let tls = match cli.tls.load(env.disk.as_ref()) {
        Ok(tls) => tls,
        Err(problem) => return Outcome::failed(problem, 2),
    };
    let pages = http::Members { env: env.clone(), addresses, tls };
    if cli.interactive && cli.command.is_none() {
        return shell::run(env, &cli, &pages).await;
    }
    answer(&cli, &pages).await
}

async fn answer(cli: &Cli, pages: &dyn Pages) -> Outcome {
    let Some(command) = &cli.command else {
        return Outcome::failed("no command given; try `rutile pd --help`".to_owned(), 2);
    };
    let report = match command {
        Command::Health => health::health(pages).await,
        Command::Cluster => health::cluster(pages).await,
        Command::Member { command } => member::run(pages, command.as_ref()).await,
        Command::Store(options) => store::run(pages, options).await,
        Command::Region(options) => region::run(pages, options).await,
        Command::Operator(command) => operator::run(pages, command).await,
        Command::Scheduler(command) => scheduler::run(pages, command).await,
        Command::Tso { timestamp } => Ok(tso::show(*timestamp)),
        Command::Config(command) => config::run(pages, command).await,
        Command::Label(options) => label::run(pages, options).await,
        Command::PlacementRules(command) => placement_rules::run(pages, command).await,
        Command::ServiceGcSafepoint { command } => config::gc_safe_points(pages, command.as_ref()).await,
        Command::MinResolvedTs { scope } => resolved_ts::run(pages, scope.as_deref()).await,
        Command::Status => overview::status(pages).await,
        Command::Hot(command) => hot::run(pages, command).await,
        Command::Topology => overview::topology(pages).await,
        Command::Events { limit } => overview::events(pages, *limit).await,
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
