#!/bin/sh
# Sends the corpus of requests to nginx and to a Swoosh server, and prints the intended differences with their reasons;
# fails on any other difference. Requires nginx (scripts/components.sh installs it).
set -eu
cd "$(dirname "$0")/.."
cargo build -p swoosh --example http_hello
exec cargo test -p swoosh --test nginx_differential -- --nocapture
