#!/usr/bin/env bash
# Installs what building Rutile needs and this machine lacks: a C++ compiler (RocksDB), libclang (its
# bindings) and the mold linker. Does nothing, and needs no root, where all of them are present.
set -euo pipefail

missing=()
command -v c++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v mold >/dev/null || missing+=(mold)
# bindgen loads libclang itself and reads its builtin headers; libclang-cpp.so, which other packages bring,
# is another library.
found() { compgen -G "$1" >/dev/null; }
if ! { found '/usr/lib/llvm-*/lib/libclang.so*' || found '/usr/lib/llvm-*/lib/libclang-[0-9]*.so*' ||
    found '/usr/lib/*/libclang.so*' || found '/usr/lib/*/libclang-[0-9]*.so*'; } ||
    ! { found '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' || found '/usr/lib/clang/*/include/stddef.h'; }; then
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
