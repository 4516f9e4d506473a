#!/usr/bin/env bash
# Installs what building Rutile needs and this machine lacks: a C++ compiler (RocksDB), libclang (its
# bindings) and the mold linker. Does nothing, and needs no root, where all of them are present.
set -euo pipefail

missing=()
command -v c++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v mold >/dev/null || missing+=(mold)
if ! ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* >/dev/null 2>&1; then
    missing+=(libclang-dev)
fi

if [ ${#missing[@]} -gt 0 ]; then
    echo "installing: ${missing[*]}" >&2
    if ! command -v apt-get >/dev/null; then
        echo "setup: this script knows Debian's apt-get only; install by hand: ${missing[*]}" >&2
        exit 1
    fi
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null; then
    echo "setup: cargo is not on PATH; install Rust 1.94 or newer (https://rustup.rs)" >&2
    exit 1
fi
