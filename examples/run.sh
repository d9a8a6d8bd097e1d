#!/bin/sh
# Serves the first page (examples/php/http_server.php), which prints its address and how to stop it.
# Arguments: the PHP program and the built extension. SWOOSH_PORT: the port, default 9501; 0 for a free one.
set -eu
cd "$(dirname "$0")"
# Without ini files (-n), which might load an installed swoole.so instead of the one just built.
exec "$1" -n -d extension="$2" php/http_server.php
