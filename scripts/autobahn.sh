#!/bin/sh
# Runs the Autobahn cases against a WebSocket server in PHP, and fails unless all of them pass.
# Arguments: the PHP program, the built extension, cases to run (default: all 517). The client is kosoku, a port of the
# cases to Python (3.10 or newer; PYTHON names another interpreter), installed from PyPI into a temporary folder.
set -eu
php=$1 extension=$2
shift 2
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

python=${PYTHON:-python3}
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check kosoku

# Without ini files (-n), which might load an installed swoole.so instead of the one just built.
"$php" -n -d extension="$extension" "$here/tests/autobahn/server.php" >"$folder/port" &
server=$!
for _ in $(seq 100); do
    [ -s "$folder/port" ] && break
    sleep 0.1
done

include=""
for case in "$@"; do
    include="$include -i $case"
done
set -f
# shellcheck disable=SC2086 # options and their values
"$folder/venv/bin/kosoku" -p 4 $include -o "$folder/report" "127.0.0.1:$(cat "$folder/port")" || true
"$php" -n "$here/tests/autobahn/verdict.php" "$folder/report/index.json" "$([ $# = 0 ] && echo 517 || echo 1)"
