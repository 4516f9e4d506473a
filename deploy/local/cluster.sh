#!/usr/bin/env bash
# A whole cluster on this machine, each part a process of its own, so that one can be killed to see what happens: three
# placement drivers, three stores and two SQL servers, as the configuration files in cluster/ say.
#
#   deploy/local/cluster.sh start     starts what does not run, returns when all of it is ready
#   deploy/local/cluster.sh status    what runs, and how the cluster is
#   deploy/local/cluster.sh stop      SIGTERM, SQL servers first and placement drivers last
#
# RUTILE_BINARY          the program; target/release/rutile
# RUTILE_CLUSTER         where data and logs go; ./rutile-cluster
# RUTILE_CLUSTER_CONFIG  the folder of the files; another one for other ports
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath -m "${RUTILE_BINARY:-$here/../../target/release/rutile}")
config=$(realpath -m "${RUTILE_CLUSTER_CONFIG:-$here/cluster}")
data=${RUTILE_CLUSTER:-./rutile-cluster}
seconds_max=120

parts() { for file in "$config/$1"*.toml; do basename "$file" .toml; done; }

# The members, as the first store's file lists them.
members() { sed -n 's/^pd = \[\(.*\)\]/\1/p' "$config/kv1.toml" | tr -d '" '; }

process_of() { cat "$data/$1.pid" 2>/dev/null || true; }

runs() {
    local process program
    process=$(process_of "$1")
    program=$(readlink "/proc/$process/exe" 2>/dev/null) || return 1
    # The program may have been built again since.
    [ -n "$process" ] && [ "${program% (deleted)}" = "$binary" ]
}

launch() {
    local part=$1 flags=()
    local role=${part%%[0-9]*}
    if runs "$part"; then return; fi
    if [ "$role" = sql ]; then flags=(--pd "$(members)"); fi
    (
        cd "$data"
        : >"$part.out"
        nohup "$binary" start "$role" --config "$config/$part.toml" "${flags[@]}" >"$part.out" 2>>"$part.log" </dev/null &
        echo $! >"$part.pid"
    )
}

await() {
    local part=$1
    until grep -q '^ready ' "$data/$part.out"; do
        if ! runs "$part"; then
            echo "$part ended before it was ready:" >&2
            tail -n 3 "$data/$part.log" >&2
            exit 1
        fi
        if [ "$SECONDS" -gt "$seconds_max" ]; then
            echo "$part is not ready after $seconds_max s; see $data/$part.log" >&2
            exit 1
        fi
        sleep 0.2
    done
    sed -n "s/^ready /$part /p" "$data/$part.out"
}

start() {
    if [ ! -x "$binary" ]; then
        echo "no program $binary; make build makes it" >&2
        exit 1
    fi
    mkdir -p "$data"
    local part
    for part in $(parts pd) $(parts kv) $(parts sql); do launch "$part"; done
    for part in $(parts pd) $(parts kv) $(parts sql); do await "$part"; done
}

stop() {
    local role part
    for role in sql kv pd; do
        for part in $(parts "$role"); do
            if runs "$part"; then kill -TERM "$(process_of "$part")"; fi
        done
        for part in $(parts "$role"); do
            while runs "$part"; do
                if [ "$SECONDS" -gt "$seconds_max" ]; then
                    echo "$part does not end" >&2
                    exit 1
                fi
                sleep 0.1
            done
            rm -f "$data/$part.pid"
        done
    done
}

status() {
    local part down=0
    for part in $(parts pd) $(parts kv) $(parts sql); do
        if runs "$part"; then
            echo "$part runs, process $(process_of "$part")"
        else
            echo "$part does not run"
            down=1
        fi
    done
    "$binary" pd --pd "$(members)" health || down=1
    return $down
}

case ${1:-} in
    start | stop | status) "$1" ;;
    *)
        sed -n '2,/^set /p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
        exit 2
        ;;
esac
