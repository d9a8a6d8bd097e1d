#!/bin/sh
# Builds the extension with the profile of its workloads: scripts/pgo.sh CARGO PHP TARGET. It is built twice, first with
# counters; then the server of each workload is loaded by ab, and the compiler gets what was counted.
set -eu
cargo=$1 php=$2 target=$3
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n "s/^host: //p")
profdata=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
if ! [ -x "$profdata" ]; then
    echo "pgo: llvm-profdata is missing: rustup component add llvm-tools" >&2
    exit 1
fi
if ! command -v ab >/dev/null; then
    echo "pgo: ab is missing: apt-get install apache2-utils" >&2
    exit 1
fi

folder=$target/pgo
raw=$folder/raw
profile=$folder/swoosh.profdata
rm -rf "$raw"
mkdir -p "$raw"

# With --target the flags are for the extension alone, and not for build scripts.
build() {
    RUSTFLAGS="${RUSTFLAGS:-} $1" "$cargo" build --release -p swoosh-php --target "$host" --target-dir "$folder"
}

echo "pgo: building with counters"
build "-Cprofile-generate=$raw"
extension=$folder/$host/release/libswoosh_php.so

scripts/instructions.py --load --php "$php" --extension "$extension"

"$profdata" merge -o "$profile" "$raw"/*.profraw
echo "pgo: building with the profile"
build "-Cprofile-use=$profile -Cllvm-args=-pgo-warn-missing-function=false"
echo "pgo: the extension is $extension"
