#!/bin/sh
# Installs the components that some tests need: MariaDB, PostgreSQL, Redis and their PHP clients, curl and clients on it,
# Symfony, a browser, nginx, php-fpm, valgrind and ab. If that fails, it prints why, and those tests are skipped.
set -u
missing=""
[ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server"
[ -x /usr/bin/redis-server ] || missing="$missing redis-server"
[ -x /usr/bin/chromium ] || missing="$missing chromium"
[ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
[ -x /usr/sbin/php-fpm8.2 ] || missing="$missing php8.2-fpm"
command -v valgrind >/dev/null || missing="$missing valgrind"
command -v ab >/dev/null || missing="$missing apache2-utils"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -f /usr/share/php/GuzzleHttp/autoload.php ] || missing="$missing php-guzzlehttp-guzzle"
[ -f /usr/share/php/Symfony/Component/HttpClient/autoload.php ] || missing="$missing php-symfony-http-client"
[ -f /usr/share/php/Symfony/Bundle/FrameworkBundle/autoload.php ] || missing="$missing php-symfony-framework-bundle php-symfony-yaml"
modules=$(php -m 2>/dev/null || true)
echo "$modules" | grep -qx mysqli || missing="$missing php8.2-mysql"
echo "$modules" | grep -qx redis || missing="$missing php8.2-redis"
echo "$modules" | grep -qx curl || missing="$missing php8.2-curl"
echo "$modules" | grep -qx pdo_pgsql || missing="$missing php8.2-pgsql"
echo "$modules" | grep -qx pdo_sqlite || missing="$missing php8.2-sqlite3"
[ -z "$missing" ] && exit 0
skipped="the tests that need them will be skipped"
if ! command -v apt-get >/dev/null; then
    echo "missing:$missing; there is no apt-get to install them: $skipped" >&2
    exit 0
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
echo "installing$missing"
{ $run apt-get update -q && DEBIAN_FRONTEND=noninteractive timeout 300 $run apt-get install -q -y --no-install-recommends $missing; } >/dev/null ||
    echo "could not install$missing: $skipped" >&2
exit 0
