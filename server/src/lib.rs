//! The rutile binary: wiring only.
//!
//! ```text
//! cli          arguments            logging      tracing to standard error or a file, text or JSON
//! config       every setting once: file, flags, defaults
//! node         what starts, in which order, how it stops
//! connection   one task per client: the wire on one side, a SQL session on the other
//! accounts     who may log in       status       HTTP: /status /ready /metrics /config
//! panics       told in the log, counted
//! ```
//! Decides nothing about data: the wire is `server/wire`, statements are `sql`, storage is `kv` and `pd`.

mod accounts;
mod cli;
mod config;
mod connection;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod logging;
mod metrics;
mod node;
mod panics;
mod status;

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

pub use error::{Class, Error};
use rutile_kv_env::Env;

use crate::config::{Settings, Sources};

/// What clients see as `VERSION()`; drivers branch on the leading `8.0.`.
pub const SERVER_VERSION: &str = concat!("8.0.36-Rutile-", env!("CARGO_PKG_VERSION"));

/// Exit code of a usage error, as the shell's own commands have it.
const EXIT_USAGE: u8 = 2;

/// How long the allocator keeps memory that nobody uses, in milliseconds, and where it is told. Its own second keeps a
/// process far above its limit after each large statement.
const PURGE_DELAY: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

/// Runs the same program in this process's place, with the allocator told: it looks at the environment before anybody
/// else, so it can not be told later. Returns where that is done already, or can not be.
fn tell_allocator() {
    let (name, value) = PURGE_DELAY;
    if std::env::var_os(name).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    let (Ok(program), Some(called)) = (std::env::current_exe(), arguments.next()) else {
        return;
    };
    // An error is the only way back, and the server serves without it.
    let _ = std::process::Command::new(program).arg0(called).args(arguments).env(name, value).exec();
}

/// The whole command: parses the arguments, runs the role, says in one line why it failed.
pub fn main() -> ExitCode {
    let command = match cli::parse(Env::real().disk.as_ref(), std::env::args_os()) {
        Ok(cli::Parsed::Run(command)) => command,
        Ok(cli::Parsed::Show(text)) => {
            // A closed pipe (`rutile --help | head -1`) is not worth a complaint.
            let _ = write!(std::io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => return complain(&problem, EXIT_USAGE),
    };
    if !matches!(command, cli::Command::AskPd(_) | cli::Command::PrintConfig(_)) {
        tell_allocator();
    }
    let result = match command {
        cli::Command::Start(sources) => node::embedded::run(&sources),
        cli::Command::StartMachine(sources, peers) => node::machine::run(&sources, peers),
        cli::Command::PrintConfig(sources) => print_config(&sources),
        cli::Command::StartPd(options) => node::role::run(&options.role.clone(), options),
        cli::Command::StartKv(options) => node::role::run(&options.role.clone(), options),
        cli::Command::StartSql(options) => node::sql::run(&options),
        cli::Command::Playground(options) => node::role::run(&options.role(), options),
        cli::Command::AskPd(arguments) => return ask_pd(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.class() == Class::Usage => complain(&error.to_string(), EXIT_USAGE),
        Err(error) => complain(&error.to_string(), 1),
    }
}

fn print_config(sources: &Sources) -> error::Result<()> {
    let text = Settings::read(Env::real().disk.as_ref(), sources)?.print();
    // A closed pipe is not worth a complaint.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// `rutile pd`, which has exit codes of its own.
fn ask_pd(arguments: Vec<OsString>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), 1),
    };
    let outcome = runtime.block_on(async { rutile_pd::run_ctl(&Env::real(), arguments).await });
    // A closed pipe is not worth a complaint.
    let _ = std::io::stdout().write_all(outcome.out.as_bytes());
    match outcome.problem {
        Some(problem) => complain(&problem, outcome.code),
        None => ExitCode::from(outcome.code),
    }
}

fn complain(problem: &str, code: u8) -> ExitCode {
    let line: Vec<&str> = problem.split_whitespace().collect();
    // Standard error may be closed; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "rutile: {}", line.join(" "));
    ExitCode::from(code)
}
