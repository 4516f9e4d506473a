//! The rutile binary: wiring only.
//!
//! ```text
//! cli          arguments            logging      tracing to standard error, text or JSON
//! node         what starts, in which order, how it stops
//! connection   one task per client: the wire on one side, a SQL session on the other
//! accounts     who may log in       status       HTTP: /status /metrics /ready
//! ```
//! Decides nothing about data: the wire is `server/wire`, statements are `sql`, storage is `kv` and `pd`.
//!
//! Deliberately missing: the separate roles of a cluster, TLS, a configuration file.

mod accounts;
mod cli;
mod config;
mod connection;
mod error;
mod logging;
mod metrics;
mod node;
mod status;

use std::io::Write as _;
use std::process::ExitCode;

pub use error::{Class, Error};

/// What clients see as `VERSION()`; drivers branch on the leading `8.0.`.
pub const SERVER_VERSION: &str = concat!("8.0.36-Rutile-", env!("CARGO_PKG_VERSION"));

/// Exit code of a usage error, as the shell's own commands have it.
const EXIT_USAGE: u8 = 2;

/// The whole command: parses the arguments, runs the role, says in one line why it failed.
pub fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(cli::Parsed::Run(command)) => command,
        Ok(cli::Parsed::Show(text)) => {
            // A closed pipe (`rutile --help | head -1`) is not worth a complaint.
            let _ = write!(std::io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => return complain(&problem, EXIT_USAGE),
    };
    let cli::Command::Start(options) = command;
    match node::embedded::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string(), 1),
    }
}

fn complain(problem: &str, code: u8) -> ExitCode {
    let line: Vec<&str> = problem.split_whitespace().collect();
    // Standard error may be closed; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "rutile: {}", line.join(" "));
    ExitCode::from(code)
}
