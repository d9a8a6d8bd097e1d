#!/bin/sh
# Builds the extension, and says how long that takes: scripts/build.sh CARGO TARGET [ARGUMENT...]. Cargo shows the progress.
set -eu
cargo=$1 target=$2
shift 2
cd "$(dirname "$0")/.."
# The complete build, measured on cores of a server of 2023.
PARALLEL_SECONDS=600
SERIAL_SECONDS=120
cores=$(nproc 2>/dev/null || echo 1)
if [ -d "$target/release/deps" ]; then
    echo "swoosh: building what has changed since the last time: up to 5 minutes"
else
    # Of the complete build: so many seconds in parallel, and so many that one core works alone.
    minutes=$(((PARALLEL_SECONDS / cores + SERIAL_SECONDS + 59) / 60))
    echo "swoosh: building the extension: about $minutes minutes with $cores cores, once"
fi
began=$(date +%s)
"$cargo" build --release -p swoosh-php "$@"
echo "swoosh: built in $(($(date +%s) - began)) seconds"
