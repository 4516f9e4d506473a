#!/usr/bin/env bash
# What takes too long for every change: many seeds of the simulations, long loops of kill -9, loss of power, partitions,
# fuzzing, drivers. One line for each part, with its time; what failed keeps its log. `make nightly` runs it.
#
# NIGHTLY_SEEDS   seeds of each simulation (20000); they follow the date, so that every night has its own
# NIGHTLY_ONLY    a pattern of the parts to run
# Parts that need root, PyMySQL or the network say so and count as skipped.
set -uo pipefail
cd "$(dirname "$0")/../.."

seeds=${NIGHTLY_SEEDS:-20000}
first=$(($(date +%j) * 1000000))
range="$first..$((first + seeds))"
logs=$(mktemp -d -t rutile-nightly-XXXXXX)
target=${CARGO_TARGET_DIR:-target}
binary=$target/release/rutile
passed=0 failed=0 skipped=0

part() { # name command...
    local name=$1 started=$SECONDS verdict
    shift
    if [[ ! $name =~ ${NIGHTLY_ONLY:-.} ]]; then return; fi
    "$@" >"$logs/$name.log" 2>&1
    case $? in
        0) verdict=ok passed=$((passed + 1)) ;;
        2) verdict="skipped: $(tail -n 1 "$logs/$name.log")" skipped=$((skipped + 1)) ;;
        *) verdict="FAILED, see $logs/$name.log" failed=$((failed + 1)) ;;
    esac
    printf '%-28s %5d s  %s\n' "$name" $((SECONDS - started)) "$verdict"
}

with() { # NAME=VALUE... command...
    env "$@"
}

simulation() { # package target filter; an optimised build, fifty times as fast
    with RUTILE_SEEDS="$range" cargo test --locked --release -p "$1" --test "$2" "$3"
}

# A server of its own for what needs one.
served() {
    local data port=${RUTILE_NIGHTLY_PORT:-14000} status
    data=$(mktemp -d)
    "$binary" start --port "$port" --status-port 0 --data-dir "$data" >"$data/out" 2>"$data/log" &
    local server=$!
    until grep -q '^ready ' "$data/out"; do
        kill -0 $server 2>/dev/null || { cat "$data/log"; return 1; }
        sleep 0.2
    done
    "$@" "$port"
    status=$?
    kill -TERM $server
    wait $server || status=1
    rm -rf "$data"
    return $status
}

part build cargo build --locked --release --bin rutile
part raft-seeds simulation rutile-kv simulation raft_peers_keep
part transaction-seeds simulation rutile-kv simulation transactions_keep
part merge-raft-seeds simulation rutile-kv simulation merging_peers_keep
part merge-transaction-seeds simulation rutile-kv simulation merging_regions_keep
part client-seeds simulation rutile-kv-client simulated ''
part pd-seeds simulation rutile-pd simulation nothing
part kill-store with RUTILE_CRASH_ROUNDS=50 cargo test --locked -p rutile-kv-client --test crash kill
part kill-sql with RUTILE_CRASH_ROUNDS=50 cargo test --locked --workspace --test consistency kill
part churn with RUTILE_CHURN_SECONDS=60 cargo test --locked --workspace --test consistency churn
part logins with RUTILE_LOGIN_ROUNDS=20000 cargo test --locked -p rutile-server-wire nobody_gets_in
part fuzz with FUZZ_ROUNDS=200000 cargo test --locked --workspace --test fuzz
part cluster cargo test --locked --workspace --test cluster
part power-loss-sql tests/consistency/power_loss_sql.py --cycles 50 "$binary"
part partitions tests/consistency/partitions.py --seconds 30 "$binary"
part clients served tests/compat/clients.sh
part tikv-client-one tests/compat/tikv_client.sh one
part tikv-client-many tests/compat/tikv_client.sh many

echo "$passed passed, $failed failed, $skipped skipped; logs in $logs"
[ "$failed" -eq 0 ]
