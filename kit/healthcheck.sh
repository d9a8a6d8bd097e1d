#!/bin/sh
# Asks a server for its health: status 0 if it answers 200 to 399 in time, 1 otherwise; prints the answer.
#
#     healthcheck.sh [URL] [SECONDS]      defaults: http://127.0.0.1:9501/health and 3
#     healthcheck.sh unix:/run/swoosh/http.sock:/health
#
# For HEALTHCHECK of a container, for monitoring, and for deploy.sh. Needs curl, wget (not for Unix sockets) or php.
set -eu
url=${1:-http://127.0.0.1:9501/health}
limit=${2:-3}

fail() {
    echo "unhealthy: $1: $2" >&2
    exit 1
}

case $url in
    unix:*)
        rest=${url#unix:}
        socket=${rest%%:*}
        path=${rest#*:}
        [ "$path" != "$rest" ] || path=/health
        command -v curl >/dev/null || fail "$url" "curl is needed for Unix sockets"
        curl -fsS --max-time "$limit" --unix-socket "$socket" "http://localhost$path" || fail "$url" "no answer"
        ;;
    *)
        if command -v curl >/dev/null; then
            curl -fsS --max-time "$limit" "$url" || fail "$url" "no answer"
        elif command -v wget >/dev/null; then
            wget -q -T "$limit" -O - "$url" || fail "$url" "no answer"
        else
            # shellcheck disable=SC2016 # PHP's variables
            php -n -r '$c = stream_context_create(["http" => ["timeout" => (float) $argv[2]]]);
                $body = @file_get_contents($argv[1], false, $c);
                if ($body === false) exit(1);
                echo $body;' "$url" "$limit" || fail "$url" "no answer"
        fi
        ;;
esac
