#!/bin/sh
# Installs the servers and clients that some tests need: databases and their PHP clients, curl and clients on it, Symfony,
# Laravel, a browser, nginx, php-fpm, load generators, valgrind. The tests that need one that cannot be installed are skipped.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/packages.sh

# One line for each component: a test that succeeds where it is installed, and its package. VERSION is PHP's.
components='
[ -x /usr/sbin/mariadbd ]                                                | mariadb-server
[ -x /usr/bin/redis-server ]                                             | redis-server
[ -x /usr/bin/chromium ]                                                 | chromium
[ -x /usr/sbin/nginx ]                                                   | nginx-light
[ -x /usr/sbin/php-fpmVERSION ]                                          | phpVERSION-fpm
[ -x /usr/bin/caddy ]                                                    | caddy
[ -x /usr/bin/supervisord ]                                              | supervisor
[ -x /usr/sbin/logrotate ]                                               | logrotate
[ -x /usr/bin/strace ]                                                   | strace
[ -x /usr/bin/shellcheck ]                                               | shellcheck
[ -x /usr/bin/phpunit ]                                                  | phpunit
[ -x /usr/bin/tidy ]                                                     | tidy
[ -x /usr/bin/curl ]                                                     | curl
command -v valgrind                                                      | valgrind
command -v ab                                                            | apache2-utils
command -v h2load                                                        | nghttp2-client
command -v nghttpd                                                       | nghttp2-server
/usr/bin/python3 -c "import grpc"                                        | python3-grpcio
/usr/bin/python3 -c "import httpx"                                       | python3-httpx
/usr/bin/python3 -c "import h2"                                          | python3-h2
command -v node                                                          | nodejs
[ -f /usr/share/php/Google/Protobuf/StringValue.php ]                    | php-google-protobuf
ls /usr/lib/postgresql/*/bin/postgres                                    | postgresql
[ -f /usr/share/php/GuzzleHttp/autoload.php ]                            | php-guzzlehttp-guzzle
[ -f /usr/share/php/Symfony/Component/HttpClient/autoload.php ]          | php-symfony-http-client
[ -f /usr/share/php/Symfony/Bundle/FrameworkBundle/autoload.php ]        | php-symfony-framework-bundle
[ -f /usr/share/php/Symfony/Component/Yaml/autoload.php ]                | php-symfony-yaml
[ -f /usr/share/php/Illuminate/Foundation/Application.php ]              | php-laravel-framework
php -m | grep -qx mysqli                                                 | phpVERSION-mysql
php -m | grep -qx redis                                                  | php-redis
php -m | grep -qx curl                                                   | phpVERSION-curl
php -m | grep -qx pdo_pgsql                                              | phpVERSION-pgsql
php -m | grep -qx pdo_sqlite                                             | phpVERSION-sqlite3
php -m | grep -qx mbstring                                               | phpVERSION-mbstring
'

version=$(php -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')

# Xdebug is unpacked instead of installed: its package enables it for every program in PHP.
xdebug=${XDG_CACHE_HOME:-$HOME/.cache}/swoosh/xdebug-$version
if ! [ -d "$xdebug" ] && command -v dpkg-deb >/dev/null; then
    work=$(mktemp -d)
    if (cd "$work" && timeout 120 apt-get -q download "php$version-xdebug") >/dev/null 2>&1; then
        mkdir -p "$xdebug"
        dpkg-deb -x "$work"/*.deb "$xdebug"
    else
        echo "swoosh: could not fetch php$version-xdebug: the test that needs it is skipped" >&2
    fi
    rm -rf "$work"
fi
missing=$(echo "$components" | sed "s/VERSION/$version/g" | while IFS='|' read -r test package; do
    [ -n "$package" ] || continue
    # The last bar separates; tests contain bars of their own.
    test="$test|$package"
    package=${test##*|}
    eval "${test%|*}" >/dev/null 2>&1 || echo "${package# }"
done)
[ -n "$missing" ] || exit 0
failed=$(mktemp)
trap 'rm -f "$failed"' EXIT
# shellcheck disable=SC2086 # a list of names
install_packages $missing 3>"$failed" || echo "swoosh: the tests that need them are skipped" >&2
while read -r package; do
    echo "swoosh: could not install $package: the tests that need it are skipped" >&2
done <"$failed"
exit 0
