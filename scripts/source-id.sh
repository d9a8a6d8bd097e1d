#!/bin/sh
# Prints an id of the source that the extension is built from: equal ids, equal source. "changed" if the working tree differs
# from the last commit, "unknown" outside of a git checkout.
set -eu
cd "$(dirname "$0")/.."
if ! objects=$(git rev-parse -q HEAD:crates HEAD:Cargo.toml HEAD:Cargo.lock 2>/dev/null); then
    echo unknown
elif [ -n "$(git status --porcelain -- crates Cargo.toml Cargo.lock 2>/dev/null)" ]; then
    echo changed
else
    echo "$objects" | sha256sum | cut -c 1-40
fi
