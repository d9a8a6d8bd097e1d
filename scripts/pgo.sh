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

port=${SWOOSH_PGO_PORT:-19321}
certificate=$raw/cert.pem key=$raw/key.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$key" -out "$certificate" \
    -subj /CN=localhost -days 2 2>/dev/null
printf '{"name":"x","items":[%s{"id":1,"price":9.99}]}' "$(printf '{"id":1,"price":9.99},%.0s' $(seq 29))" >"$raw/body"
for workload in hello read json gzip long tls connections sleep file coroutines; do
    echo "pgo: counting $workload"
    "$php" -d extension="$extension" benches/php/workloads.php "$workload" "$port" "$certificate" "$key" &
    server=$!
    scheme=http path=/ options=-k
    case $workload in
    read) path='/users?id=42&page=3' ;;
    json) options="-k -T application/json -p $raw/body" ;;
    gzip) options="-k -H Accept-Encoding:gzip" ;;
    tls) scheme=https ;;
    connections) options= ;;
    esac
    tries=0
    # shellcheck disable=SC2086
    until ab -q -n 3000 -c 8 $options -H 'Cookie: sid=abcdef; theme=dark' -H 'Accept: text/html,*/*' \
        "$scheme://127.0.0.1:$port$path" >"$raw/ab.log" 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            cat "$raw/ab.log" >&2
            kill "$server"
            exit 1
        fi
        sleep 0.1
    done
    kill "$server"
    wait "$server" || true
    port=$((port + 1))
done

"$profdata" merge -o "$profile" "$raw"/*.profraw
echo "pgo: building with the profile"
build "-Cprofile-use=$profile -Cllvm-args=-pgo-warn-missing-function=false"
echo "pgo: the extension is $extension"
