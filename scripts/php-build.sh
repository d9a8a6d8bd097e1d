#!/bin/sh
# Builds a small PHP for tests from Debian's source package, and prints the path of its php-config:
#   scripts/php-build.sh VERSION [--zts]      VERSION: 8.2 (Debian 12) or 8.4 (Debian 13)
# It is kept in $XDG_CACHE_HOME/swoosh (~/.cache/swoosh), and built once. Takes minutes.
set -eu
version=${1:-}
zts=""
name="php-$version"
[ "${2:-}" = --zts ] && zts=--enable-zts name="$name-zts"
case $version in
8.2) suite=bookworm ;;
8.4) suite=trixie ;;
*)
    echo "usage: scripts/php-build.sh 8.2|8.4 [--zts]; Debian has no source package of other versions" >&2
    exit 2
    ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/swoosh
prefix=$cache/$name
[ -x "$prefix/bin/php-config" ] && { echo "$prefix/bin/php-config"; exit 0; }
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"
missing=""
for package in libcurl4-openssl-dev libonig-dev libsqlite3-dev libssl-dev libpq-dev libxml2-dev libreadline-dev zlib1g-dev; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
# shellcheck disable=SC2086 # a list of names
[ -z "$missing" ] || install_packages $missing 3>&2 >&2
# A state of its own, so that the lists of the machine's apt stay as they are.
apt=$cache/apt
# The mirror that apt uses.
# shellcheck disable=SC2016 # apt's variable
mirror=$(apt-get indextargets 'Identifier: Packages' --format '$(REPO_URI)' | head -n 1)
mkdir -p "$apt/lists/partial" "$cache/source"
key=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb-src [signed-by=$key] $mirror $suite main" >"$apt/$suite.list"
options="-q -o Dir::Etc::sourcelist=$apt/$suite.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$apt/lists -o APT::Sandbox::User="
cd "$cache/source"
if ! ls "php${version}_"*.orig.tar.xz >/dev/null 2>&1; then
    echo "fetching the source of PHP $version from Debian ($suite)" >&2
    # shellcheck disable=SC2086 # several options
    if ! { apt-get $options update && apt-get $options source --download-only "php$version"; } >&2; then
        echo "the source package php$version of Debian's $suite cannot be fetched from $mirror" >&2
        exit 1
    fi
fi
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "building $name: the log is $cache/$name.log" >&2
{
    # shellcheck disable=SC2012 # plain names
    tar -xf "$(ls "php${version}_"*.orig.tar.xz | tail -n 1)" -C "$work" --strip-components=1
    cd "$work"
    ./configure -q --prefix="$prefix" $zts --disable-all --disable-cgi --disable-phpdbg --enable-cli --enable-pcntl \
        --enable-posix --enable-sockets --enable-mbstring --enable-tokenizer --enable-ctype --enable-filter \
        --enable-session --enable-fileinfo --enable-phar --enable-opcache --enable-pdo --with-pdo-mysql=mysqlnd \
        --with-mysqli=mysqlnd --with-pdo-sqlite --with-sqlite3 --with-curl --with-openssl --with-zlib --with-pgsql \
        --with-pdo-pgsql --enable-shmop --enable-sysvsem --enable-sysvshm --enable-sysvmsg --with-libxml --enable-dom \
        --enable-simplexml --enable-xml --with-readline
    nice make -j2
    make install
} >"$cache/$name.log" 2>&1 || { echo "$name does not build: see $cache/$name.log" >&2; exit 1; }
echo "$prefix/bin/php-config"
