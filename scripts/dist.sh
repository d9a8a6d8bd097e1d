#!/bin/sh
# Packs a built extension: `make dist` builds it and calls this.
#
#     scripts/dist.sh PHP PHP_CONFIG LIBRARY [FOLDER]      FOLDER: dist
#
# Writes, for the version in Cargo.toml and for this PHP:
#
#     php_swoole-VERSION_php8.2-x86_64-linux-glibc.zip     swoole.so without symbols, manifest.json: what PIE and install.sh take
#     php_swoole-VERSION_php8.2-x86_64-linux-glibc.debug   its symbols, for debuggers and backtraces
#     php8.2-swoosh_VERSION_amd64.deb                      the same for Debian, where dpkg-deb is installed and the PHP is Debian's kind
#     install.sh, SHA256SUMS                               the checksums of all archives in FOLDER
#
# One library always gives one archive, to the byte: times are SOURCE_DATE_EPOCH (the last commit's, else that of Cargo.toml).
# DIST_COMPRESSION: the level of compression, 1 to 9 (9).
set -eu
php=$1 config=$2 library=$3
cd "$(dirname "$0")/.."
folder=${4:-dist}
level=${DIST_COMPRESSION:-9}
. scripts/build-name.sh

fail() {
    echo "dist: $1" >&2
    exit 1
}

for program in objcopy readelf sha256sum python3; do
    command -v "$program" >/dev/null || fail "$program is missing (Debian: binutils, coreutils, python3)"
done
[ -f "$library" ] || fail "there is no $library: build it first"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
case $(readelf -d "$library") in
    *musl*) libc=musl ;;
    *) libc=glibc ;;
esac
name=$(build_name "$version" "$libc")
loads=$("$php" -n -d extension="$(realpath "$library")" --ri swoole 2>&1) || fail "$php cannot load $library: $loads"
built=$(echo "$loads" | sed -n 's/^Engine => Swoosh //p')
[ "$built" = "$version" ] || fail "$library is of version ${built:-?}, Cargo.toml says $version"

mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Symbols apart. The section .gnu_debuglink names the file that has them, which debuggers look for beside the library.
objcopy --only-keep-debug --compress-debug-sections "$library" "$work/$name.debug"
objcopy --strip-unneeded "$library" "$work/swoole.so"
(cd "$work" && objcopy --add-gnu-debuglink="$name.debug" swoole.so)
chmod 0644 "$work/swoole.so" "$work/$name.debug"

if grep -qF -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" "$work/swoole.so"; then
    echo "dist: swoole.so names paths of this machine, so that no other one builds the same: use make dist" >&2
fi

# The source that this was built from: the objects of git, so that a checkout can tell whether it has the same.
source=$(sh scripts/source-id.sh)
phpapi=$("$php" -n -i | sed -n 's/^PHP Extension => //p')
glibc=$(readelf -V "$library" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d_ -f2)
cat >"$work/manifest.json" <<JSON
{
    "extension": "swoole",
    "version": "$version",
    "php": "$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')",
    "php_api": "$phpapi",
    "thread_safe": $("$php" -n -r 'echo PHP_ZTS ? "true" : "false";'),
    "debug": $("$php" -n -r 'echo PHP_DEBUG ? "true" : "false";'),
    "libc": "$libc",
    "glibc_at_least": "$glibc",
    "source": "$source"
}
JSON
cp LICENSE "$work/LICENSE"

python3 - "$work/$name.zip" "$epoch" "$level" "$work/swoole.so" "$work/manifest.json" "$work/LICENSE" <<'PYTHON'
import sys, time, zipfile
from pathlib import Path

target, epoch, level, *files = sys.argv[1:]
# The format begins with 1980.
date = time.gmtime(max(int(epoch), 315532800))[:6]
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=int(level)) as archive:
    for file in map(Path, files):
        entry = zipfile.ZipInfo(file.name, date)
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, int(level))
PYTHON
mv -f "$work/$name.zip" "$work/$name.debug" "$folder/"

# A package for PHPs that are installed as Debian does it.
extension_dir=$("$config" --extension-dir)
if command -v dpkg-deb >/dev/null && [ "$extension_dir" = "/usr/lib/php/$phpapi" ]; then
    short=$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
    package=php$short-swoosh
    debian=$work/debian
    install -D -m 0644 "$work/swoole.so" "$debian$extension_dir/swoole.so"
    mkdir -p "$debian/usr/share/doc/$package"
    printf 'Swoosh\nCopyright: the Swoosh developers\n\n%s\n%s\n' "Licensed under the Apache License, Version 2.0, whose text is in" \
        "/usr/share/common-licenses/Apache-2.0 on Debian systems." >"$debian/usr/share/doc/$package/copyright"
    mkdir -p "$debian/etc/php/$short/mods-available" "$debian/DEBIAN"
    printf '; configuration for php swoole module (Swoosh)\n; priority=25\nextension=swoole.so\n' >"$debian/etc/php/$short/mods-available/swoole.ini"
    echo "/etc/php/$short/mods-available/swoole.ini" >"$debian/DEBIAN/conffiles"
    changed="$package ($version) stable; urgency=medium"
    {
        printf '%s\n\n  * See CHANGELOG.md of the project.\n\n -- The Swoosh developers <swoosh@localhost>  %s\n' "$changed" \
            "$(date -u -R -d "@$epoch")"
    } | gzip -9n >"$debian/usr/share/doc/$package/changelog.gz"
    cat >"$debian/DEBIAN/control" <<CONTROL
Package: $package
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: The Swoosh developers <swoosh@localhost>
Installed-Size: $(du -sk "$debian/usr" | cut -f1)
Depends: php$short-common, phpapi-$phpapi, libc6 (>= $glibc), libgcc-s1
Pre-Depends: php-common (>= 2:69~)
Conflicts: php$short-swoole, php$short-openswoole
Provides: php-swoole, php$short-swoole
Section: php
Priority: optional
Description: Swoole's server model for PHP, on the Swoosh engine
 Servers for HTTP, WebSocket, TCP and UDP in several supervised processes,
 coroutines, and PHP's own functions that wait in them. PHP sees the module
 as swoole: programs written for Swoole run on it.
CONTROL
    cat >"$debian/DEBIAN/postinst" <<POSTINST
#!/bin/sh
set -e
if [ "\$1" = configure ] && [ -e /usr/lib/php/php-maintscript-helper ]; then
    . /usr/lib/php/php-maintscript-helper
    php_invoke enmod $short ALL swoole
fi
POSTINST
    cat >"$debian/DEBIAN/prerm" <<PRERM
#!/bin/sh
set -e
if [ "\$1" = remove ] && [ -e /usr/lib/php/php-maintscript-helper ]; then
    . /usr/lib/php/php-maintscript-helper
    php_invoke dismod $short ALL swoole
fi
PRERM
    chmod 0755 "$debian/DEBIAN/postinst" "$debian/DEBIAN/prerm"
    (cd "$debian" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    find "$debian" -exec touch -h -d "@$epoch" {} +
    SOURCE_DATE_EPOCH=$epoch dpkg-deb --root-owner-group -Zxz "-z$level" -b "$debian" "$work" >/dev/null
    mv -f "$work"/*.deb "$folder/"
fi

# One file, with the functions in their place.
sed -e '/build-name\.sh"$/ { r scripts/build-name.sh' -e 'd }' scripts/install.sh >"$folder/install.sh"
chmod 0755 "$folder/install.sh"
(cd "$folder" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | LC_ALL=C sort | xargs sha256sum) >"$work/SHA256SUMS"
mv -f "$work/SHA256SUMS" "$folder/"
echo "dist: swoole.so has $(stat -c %s "$work/swoole.so") bytes; in $folder:"
(cd "$folder" && find . -type f -printf '%10s  %f\n' | sort -k 2)
