#!/bin/sh
# Deploys a release without a failed request: copies it beside the others, switches the link `current`, reloads the workers
# and waits until each of them serves the new release. A release that does not come up is taken back.
#
#     deploy.sh [options] SOURCE      SOURCE: a directory, or an archive (.tar, .tar.gz, .tgz)
#
#     -r ROOT     where releases/, the link current and the lock are (/srv/app)
#     -n NAME     name of the release (the time in UTC)
#     -u URL      health check that names the releases being served (http://127.0.0.1:9501/health)
#     -p FILE     pid file of the server (/run/swoosh/swoosh.pid)
#     -s UNIT     systemd unit to reload instead of the process of the pid file
#     -c COMMAND  checks a release before it is switched to; its path is appended (php ROOT/server.php --check)
#     -t SECONDS  how long the workers may take to come up (60)
#     -k COUNT    how many releases to keep (5)
#
# The server has to load releases in its workers, through the link, as kit/server.php does.
# Exit status: 0 deployed; 1 not deployed, the former release is served; 2 wrong usage; 3 neither of the two came up.
set -eu

root=/srv/app name=$(date -u +%Y%m%d-%H%M%S) url=http://127.0.0.1:9501/health pid_file=/run/swoosh/swoosh.pid unit=''
check='' limit=60 keep=5

die() {
    echo "deploy: $2" >&2
    exit "$1"
}

while getopts r:n:u:p:s:c:t:k: option; do
    case $option in
        r) root=$OPTARG ;;
        n) name=$OPTARG ;;
        u) url=$OPTARG ;;
        p) pid_file=$OPTARG ;;
        s) unit=$OPTARG ;;
        c) check=$OPTARG ;;
        t) limit=$OPTARG ;;
        k) keep=$OPTARG ;;
        *) die 2 "see the head of $0 for the options" ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || die 2 "which release? usage: deploy.sh [options] SOURCE"
source=$1
[ -e "$source" ] || die 2 "$source does not exist"
case $name in
    '' | . | .. | */* | *[!A-Za-z0-9._-]*) die 2 "a release is named by letters, digits, dots, dashes: $name" ;;
esac
case $limit$keep in
    *[!0-9]*) die 2 "-t and -k are whole numbers: $limit, $keep" ;;
esac
[ -n "$check" ] || check="php $root/server.php --check"
here=$(cd "$(dirname "$0")" && pwd)
release=$root/releases/$name

mkdir -p "$root/releases"
# One deployment at a time: mkdir is atomic.
mkdir "$root/deploy.lock" 2>/dev/null || die 2 "another deployment is running (else: rmdir $root/deploy.lock)"
trap 'rmdir "$root/deploy.lock"' EXIT
trap 'exit 1' INT TERM HUP

# switch RELEASE: current names it. The rename replaces the link at once: it exists at every moment.
switch() {
    ln -sfn "releases/$1" "$root/current.next"
    mv -fT "$root/current.next" "$root/current"
}

reload() {
    if [ -n "$unit" ]; then
        systemctl reload "$unit"
    else
        kill -USR1 "$(cat "$pid_file")"
    fi
}

is_running() {
    if [ -n "$unit" ]; then
        systemctl -q is-active "$unit"
    else
        pid=$(cat "$pid_file" 2>/dev/null) && kill -0 "$pid" 2>/dev/null
    fi
}

# wait_for RELEASE: every worker serves it, and none of another one is left.
wait_for() {
    end=$(($(date +%s) + limit))
    while :; do
        case $(sh "$here/healthcheck.sh" "$url" 2 2>/dev/null) in
            *"\"releases\":[\"$1\"]"*) return 0 ;;
        esac
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep 0.2
    done
}

[ ! -e "$release" ] || die 2 "release $name exists already"
former=''
[ ! -L "$root/current" ] || former=$(basename "$(readlink "$root/current")")
if [ -n "$former$unit" ] || [ -e "$pid_file" ]; then
    is_running || die 1 "the server does not run (${unit:-pid file $pid_file}): start it, then deploy"
fi
partial=$root/releases/.$name.partial
rm -rf "$partial"
if [ -d "$source" ]; then
    cp -a "$source" "$partial"
else
    mkdir "$partial"
    tar -xf "$source" -C "$partial" || { rm -rf "$partial"; die 1 "$source is no archive that tar can read"; }
fi
mv "$partial" "$release"

# shellcheck disable=SC2086 # a command with its arguments
if ! $check "$release"; then
    rm -rf "$release"
    die 1 "release $name was not accepted by: $check"
fi

switch "$name"
if [ -z "$former$unit" ] && [ ! -e "$pid_file" ]; then
    echo "deploy: $name is the first release: start the server now"
    exit 0
fi
if ! reload || ! wait_for "$name"; then
    [ -n "$former" ] || die 3 "release $name did not come up within $limit seconds; there is no former one"
    echo "deploy: release $name did not come up within $limit seconds: back to $former" >&2
    switch "$former"
    reload || die 3 "the server does not run any more; $former is the release that it will serve"
    wait_for "$former" || die 3 "$former does not come up either"
    rm -rf "$release"
    die 1 "release $name was not deployed; $former is served"
fi
echo "deploy: every worker serves $name"

# The newest releases stay, and always the one before, so that it can be switched back to.
kept=0
for old in $(cd "$root/releases" && ls -1t); do
    kept=$((kept + 1))
    if [ "$kept" -gt "$keep" ] && [ "$old" != "$name" ] && [ "$old" != "$former" ]; then
        rm -rf "${root:?}/releases/$old"
    fi
done
