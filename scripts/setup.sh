#!/bin/sh
# Installs the missing build dependencies: PHP 8.2 with its headers, clang for the bindings, Python for the checks.
set -eu
command -v cargo >/dev/null || { echo "swoosh needs Rust: install it with rustup first" >&2; exit 1; }
missing=""
command -v php >/dev/null || missing="$missing php8.2-cli"
command -v php-config >/dev/null || missing="$missing php8.2-dev"
command -v clang >/dev/null || missing="$missing clang"
command -v python3 >/dev/null || missing="$missing python3"
ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1 || missing="$missing libclang-dev"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "swoosh needs these packages, and there is no apt-get here to install them:$missing" >&2
    exit 1
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
echo "installing$missing"
if ! { $run apt-get update -q && DEBIAN_FRONTEND=noninteractive $run apt-get install -q -y $missing; }; then
    echo "could not install$missing: install them by hand and try again" >&2
    exit 1
fi
