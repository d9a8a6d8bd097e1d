#!/bin/sh
# Installs the extension for a PHP: picks the archive for its version, thread model, C library and processor, verifies its
# checksum, copies swoole.so into PHP's extension directory, and enables it.
#
#     install.sh [options] [FROM]      FROM: a folder or an address with the archives and SHA256SUMS; else this script's folder
#
#     --php PROGRAM          the PHP to install for (php)
#     --version VERSION      the version to install (the one of SHA256SUMS)
#     --extension-dir DIR    where swoole.so goes (PHP's extension_dir)
#     --ini-dir DIR          where swoole.ini goes (PHP's directory for further ini files); "none": no ini file
#
# Needs sh, sha256sum, one of unzip, python3 and PHP's phar, and curl or wget for an address.
set -eu
# shellcheck source=scripts/build-name.sh
. "$(dirname "$0")/build-name.sh"

fail() {
    echo "install: $1" >&2
    exit 1
}

php=php version='' extension_dir='' ini_dir='' from=''
while [ $# -gt 0 ]; do
    case $1 in
        --php | --version | --extension-dir | --ini-dir)
            [ $# -gt 1 ] || fail "$1 needs a value"
            case $1 in
                --php) php=$2 ;;
                --version) version=$2 ;;
                --extension-dir) extension_dir=$2 ;;
                --ini-dir) ini_dir=$2 ;;
            esac
            shift 2
            ;;
        -*) fail "unknown option $1; the options are --php, --version, --extension-dir, --ini-dir" ;;
        *) from=$1 && shift ;;
    esac
done
from=${from:-$(dirname "$0")}
command -v "$php" >/dev/null || fail "there is no $php: install PHP 8.2 or newer first, or name it by --php"
[ "$(uname -s)" = Linux ] || fail "Swoosh runs on Linux only"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch NAME: copies a file of FROM into $work.
fetch() {
    case $from in
        http://* | https://*)
            if command -v curl >/dev/null; then
                curl -fsSL --retry 3 -o "$work/$1" "$from/$1"
            else
                wget -q -O "$work/$1" "$from/$1"
            fi || fail "$from/$1 cannot be downloaded"
            ;;
        *) cp "$from/$1" "$work/$1" 2>/dev/null || fail "there is no $from/$1" ;;
    esac
}

fetch SHA256SUMS
if [ -z "$version" ]; then
    version=$(sed -n 's/.* [ *]php_swoole-\([^_]*\)_.*\.zip$/\1/p' "$work/SHA256SUMS" | sort -uV | tail -n 1)
    [ -n "$version" ] || fail "SHA256SUMS names no archive"
fi
name=$(build_name "$version")
if ! grep -q " [ *]$name\.zip\$" "$work/SHA256SUMS"; then
    there=$(sed -n 's/.* [ *]\(php_swoole-.*\)\.zip$/\1/p' "$work/SHA256SUMS" | tr '\n' ' ')
    fail "there is no build for this PHP ($name), only: ${there:-none}. \`make install\` in the source builds one"
fi
fetch "$name.zip"
reason=$(verify "$work/$name.zip" "$work/SHA256SUMS" 2>&1) || fail "$reason"
unpack "$work/$name.zip" "$work"

# Before anything is replaced: does this PHP take it?
loads=$("$php" -n -d display_startup_errors=1 -d extension="$work/swoole.so" --ri swoole 2>&1) ||
    fail "$php does not load it: $(echo "$loads" | grep -m 1 -i 'warning\|error' || echo "$loads" | head -n 1)"

extension_dir=${extension_dir:-$("$php" -r 'echo ini_get("extension_dir");')}
[ -d "$extension_dir" ] || fail "there is no directory $extension_dir: name one by --extension-dir"
[ -w "$extension_dir" ] || fail "$extension_dir is not writable: run as root, or name another by --extension-dir"
# Renamed into its place: processes that run keep the file that they have mapped.
cp "$work/swoole.so" "$extension_dir/.swoole.so.new"
chmod 0644 "$extension_dir/.swoole.so.new"
mv -f "$extension_dir/.swoole.so.new" "$extension_dir/swoole.so"
echo "install: $extension_dir/swoole.so, version $version"

short=$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
if [ "$ini_dir" = none ]; then
    echo "install: add the line  extension=swoole  to php.ini"
elif [ -z "$ini_dir" ] && [ -d "/etc/php/$short/mods-available" ] && command -v phpenmod >/dev/null; then
    printf '; priority=25\nextension=swoole.so\n' >"/etc/php/$short/mods-available/swoole.ini"
    phpenmod -v "$short" swoole
    echo "install: enabled for every SAPI of PHP $short; phpdismod swoole turns it off"
else
    ini_dir=${ini_dir:-$("$php" -r 'echo explode(PATH_SEPARATOR, PHP_CONFIG_FILE_SCAN_DIR)[0];')}
    if [ -n "$ini_dir" ] && [ -d "$ini_dir" ] && [ -w "$ini_dir" ]; then
        # A name behind those of the extensions that it uses (sockets, curl, pdo).
        echo 'extension=swoole' >"$ini_dir/99-swoole.ini"
        echo "install: enabled by $ini_dir/99-swoole.ini"
    else
        echo "install: add the line  extension=swoole  to php.ini"
    fi
fi
