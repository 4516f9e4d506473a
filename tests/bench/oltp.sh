#!/bin/sh
# A server on a fresh directory beside the MySQL that runs already, driven in turn by sysbench.py.
#   tests/bench/oltp.sh BINARY        RUTILE_BENCH_MYSQL: port of the MySQL (3308); RUTILE_BENCH_SECONDS of each run (5);
#                                     RUTILE_BENCH_ROWS of LOAD DATA (1000000)
set -eu
binary=$1
here=$(dirname "$0")
folder=$(mktemp -d)
"$binary" start --port 4700 --status-port 4701 --data-dir "$folder/data" >"$folder/log" 2>&1 &
server=$!
trap 'kill $server; wait $server 2>/dev/null; rm -rf "$folder"' EXIT
until grep -q '^ready ' "$folder/log"; do
	kill -0 $server || { cat "$folder/log"; exit 1; }
	sleep 0.1
done
bench() { "$here/sysbench.py" --rutile 4700 --mysql "${RUTILE_BENCH_MYSQL:-3308}" "$@"; }
bench --seconds "${RUTILE_BENCH_SECONDS:-5}"
bench --load "${RUTILE_BENCH_ROWS:-1000000}"
bench --binary "$binary"
