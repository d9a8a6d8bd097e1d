#!/bin/sh
# Checks what the build needs, and installs what is missing: PHP with its headers, clang for the bindings, Python for the
# checks. `setup.sh --check` only checks. PHP and PHP_CONFIG choose another PHP than the first of PATH.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

fail() {
    echo "swoosh: $1" >&2
    exit 1
}

# at_least VERSION MINIMUM: compares numbers such as 1.88 and 1.100.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

command -v "${CARGO:-cargo}" >/dev/null ||
    fail "Rust is not installed, or cargo is not in PATH: see https://rustup.rs"
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
rust=$(rustc --version | cut -d' ' -f2)
at_least "$rust" "$needed" || fail "Rust $rust is too old, $needed or newer is needed: rustup update stable"

php=${PHP:-php}
config=${PHP_CONFIG:-php-config}
missing=""
command -v "$php" >/dev/null || missing="$missing php-cli"
command -v "$config" >/dev/null || missing="$missing php-dev"
command -v cc >/dev/null || missing="$missing build-essential"
command -v clang >/dev/null || missing="$missing clang"
command -v python3 >/dev/null || missing="$missing python3"
find /usr/lib/llvm-*/lib /usr/lib -maxdepth 1 -name 'libclang*.so*' 2>/dev/null | grep -q . || missing="$missing libclang-dev"
if [ -n "$missing" ]; then
    [ "${1:-}" != --check ] || fail "missing packages:$missing"
    failed=$(mktemp)
    trap 'rm -f "$failed"' EXIT
    # shellcheck disable=SC2086 # a list of names
    install_packages $missing 3>"$failed" || exit 1
    [ ! -s "$failed" ] || fail "could not install $(tr '\n' ' ' <"$failed"): install by hand, then try again"
fi

version=$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;') || fail "$php does not run"
headers=$("$config" --version | cut -d. -f1,2)
case $version in
    8.2 | 8.3 | 8.4 | 8.5) ;;
    *) fail "PHP $version is not supported, 8.2 to 8.5 are; PHP=... and PHP_CONFIG=... choose another one" ;;
esac
[ "$version" = "$headers" ] || fail "php is PHP $version, php-config belongs to PHP $headers: \
install php$version-dev, or set PHP_CONFIG=php-config$version"
