//! The `rutile` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rutile_server::main()
}
