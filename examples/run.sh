#!/bin/sh
# Serves the first example. Arguments: the PHP program and the built extension.
set -eu
echo "serving the echo example on 127.0.0.1:9501: try  nc 127.0.0.1 9501  and stop it with Ctrl-C"
exec ./target/release/examples/echo process 127.0.0.1:9501
