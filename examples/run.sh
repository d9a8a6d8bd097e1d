#!/bin/sh
# Serves the first page (examples/php/http_server.php), which prints its address and how to stop it.
# Arguments: the PHP program and the built extension. SWOOSH_PORT: another port than 9501; 0 takes a free one.
set -eu
cd "$(dirname "$0")"
# Without ini files (-n): an installed swoole.so would be in the way of the one just built.
exec "$1" -n -d extension="$2" php/http_server.php
