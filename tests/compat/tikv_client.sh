#!/usr/bin/env bash
# The integration tests of the published crate tikv-client 0.4.0 against one `rutile start pd` and three
# `rutile start kv` on 127.0.0.1 (RUTILE_STORES=1 for fewer). RUTILE names a binary to use instead of building one.
#
#   tests/compat/tikv_client.sh [one|many] [FILTER]     `one` region (default), or `many` (MULTI_REGION=1)
#
# The crate's source comes from crates.io through cargo. Its tests are built unchanged; of its manifest only reqwest's
# TLS is left out, because PD is asked in plain HTTP and OpenSSL takes minutes to compile. Prints one line per test
# program and the tests that failed; the exit code says whether all passed.
set -euo pipefail

regions=${1:-one}
filter=${2:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
cargo=${CARGO:-cargo}
work=${RUTILE_COMPAT_DIR:-$root/target/compat/tikv-client}
mkdir -p "$work/fetch/src"

# Not run, with the reason. Names as the test programs print them.
skipped=()

cat > "$work/fetch/Cargo.toml" <<'MANIFEST'
[package]
name = "fetch"
version = "0.0.0"
edition = "2021"
[dependencies]
tikv-client = "=0.4.0"
[workspace]
MANIFEST
: > "$work/fetch/src/lib.rs"
"$cargo" fetch --quiet --manifest-path "$work/fetch/Cargo.toml"
source=$("$cargo" metadata --format-version 1 --manifest-path "$work/fetch/Cargo.toml" |
    python3 -c 'import json, os, sys
packages = json.load(sys.stdin)["packages"]
print(next(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == "tikv-client"))')
if [ ! -d "$work/source" ]; then
    cp -r "$source" "$work/source"
    rm -f "$work/source/rust-toolchain.toml"
    sed -i 's/^    "native-tls-vendored",$//; s/^\[dev-dependencies.reqwest\]$/&\ndefault-features = false/' \
        "$work/source/Cargo.toml"
    printf '\n[workspace]\n' >> "$work/source/Cargo.toml"
fi

echo "building" >&2
[ -n "${RUTILE:-}" ] || (cd "$root" && "$cargo" build --quiet --bin rutile)
rutile=${RUTILE:-$root/target/debug/rutile}
programs=$(cd "$work/source" && CARGO_TARGET_DIR="$work/target" "$cargo" test --quiet --no-run \
    --features integration-tests,fail/failpoints --test integration_tests --test failpoint_tests \
    --message-format json | python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable"):
        print(message["executable"])')

data=$(mktemp -d)
pd=127.0.0.1:${RUTILE_PD_PORT:-2379}
store_port=${RUTILE_STORE_PORT:-20160}
stores=${RUTILE_STORES:-3}
split=()
[ "$regions" = many ] && split=(--region-split-keys 7)
processes=()
trap 'kill "${processes[@]}" 2> /dev/null; wait; rm -rf "$data"' EXIT
start() { # NAME ROLE ADDRESS FLAGS...
    local name=$1 role=$2 address=$3
    shift 3
    "$rutile" start "$role" --host "${address%:*}" --port "${address#*:}" --data-dir "$data/$name" "$@" \
        > "$data/$name.output" 2> "$data/$name.log" &
    processes+=($!)
    until grep -qs "^ready" "$data/$name.output"; do
        kill -0 "${processes[-1]}" 2> /dev/null || { cat "$data/$name.log" >&2; exit 1; }
        sleep 0.1
    done
}
start pd pd "$pd"
for ((number = 0; number < stores; number++)); do
    start "kv$number" kv "127.0.0.1:$((store_port + number))" --pd "$pd" "${split[@]}"
done
# A region without all its replicas would still move while the tests run.
for ((tries = 0; stores >= 3 && tries < 300; tries++)); do
    missing=$("$rutile" pd --pd "$pd" --json region check miss-peer | python3 -c 'import json, sys; print(json.load(sys.stdin)["count"])')
    [ "$missing" != 0 ] || break
    sleep 0.2
done

export PD_ADDRS=$pd
[ "$regions" = many ] && export MULTI_REGION=1
failed=0
run() { # PROGRAM FILTER
    local arguments=(--test-threads=1) name
    for name in "${skipped[@]}"; do arguments+=(--skip "$name"); done
    "$1" "$2" "${arguments[@]}" > "$data/result" 2>&1 || failed=1
    echo "$regions region(s), $(basename "$1"), ${2:-all}: $(grep '^test result' "$data/result" || echo 'no result')"
    grep -E '^test .* FAILED$|panicked at|^error' "$data/result" || true
    [ -z "${RUTILE_COMPAT_OUTPUT:-}" ] || cat "$data/result" >> "$RUTILE_COMPAT_OUTPUT"
}
for program in $programs; do
    case $program in
        *integration_tests*)
            if [ -n "$filter" ]; then run "$program" "$filter"; else run "$program" txn_; run "$program" raw_; fi ;;
        *) run "$program" "$filter" ;;
    esac
done
for name in "${skipped[@]}"; do echo "skipped: $name"; done
exit $failed
