//! The `rutile` command under a name that the test targets can find.

use std::process::ExitCode;

fn main() -> ExitCode {
    rutile_server::main()
}
