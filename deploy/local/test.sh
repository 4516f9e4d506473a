#!/usr/bin/env bash
# Everything CI runs, in the order that fails fastest. Incremental artefacts are off: they would double
# the size of a build that runs once.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CARGO_INCREMENTAL=0
export CARGO_TERM_COLOR=never

echo "== free space: $(df -h --output=avail . | tail -n 1 | tr -d ' ')"
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- --deny warnings
cargo test --workspace --locked --no-fail-fast
