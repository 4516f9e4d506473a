//! The `rutile` command.

use std::process::ExitCode;

/// A statement makes some fifty short-lived allocations, RocksDB's among them, which it serves too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rutile_server::main()
}
