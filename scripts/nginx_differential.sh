#!/bin/sh
# Sends the corpus of requests to nginx and to a server of ours, and prints where they differ and why that is meant; fails
# where they differ otherwise. nginx has to be installed (scripts/components.sh does that).
set -eu
cd "$(dirname "$0")/.."
cargo build -p swoosh --example http_hello
exec cargo test -p swoosh --test nginx_differential -- --nocapture
