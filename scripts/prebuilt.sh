#!/bin/sh
# Prints the path of a prebuilt extension for this PHP and the source at hand; status 1 if there is none.
#
#     scripts/prebuilt.sh PHP TARGET [FOLDER]      FOLDER: dist, where releases are downloaded to or `make dist` packs
#
# The archive has to be of the version in Cargo.toml, for the PHP's version, thread model, C library and processor, with the
# checksum of SHA256SUMS, and built from the same source as that of this checkout. It is unpacked into TARGET.
set -eu
php=$1 target=$2
cd "$(dirname "$0")/.."
folder=${3:-dist}
. scripts/build-name.sh
command -v "$php" >/dev/null || exit 1
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=$(build_name "$version")
archive=$folder/$name.zip
[ -f "$archive" ] || exit 1
if [ -f "$folder/SHA256SUMS" ]; then
    verify "$archive" "$folder/SHA256SUMS" || exit 1
fi
unpacked=$target/prebuilt/$name
mkdir -p "$unpacked"
unpack "$archive" "$unpacked"
built=$(sed -n 's/.*"source": "\(.*\)".*/\1/p' "$unpacked/manifest.json")
here=$(sh scripts/source-id.sh)
if [ "$here" = changed ] || [ "$here" != unknown ] && [ "$here" != "$built" ]; then
    echo "swoosh: $archive is not used: it was built from another source than this" >&2
    exit 1
fi
# PHP itself compares the number of its API and its thread model with those of the extension.
engine=$("$php" -n -d display_startup_errors=1 -d extension="$unpacked/swoole.so" --ri swoole 2>/dev/null | sed -n 's/^Engine => Swoosh //p')
[ "$engine" = "$version" ] || exit 1
echo "swoosh: using $archive" >&2
echo "$unpacked/swoole.so"
