# shellcheck shell=sh disable=SC2154
# Names and checksums of builds for $php, a program of PHP; sourced, not run.

# build_name VERSION [LIBC]: the name of the archive with the extension for $php on this machine, without its ending. It is
# the one that PIE looks for: php_swoole-0.1.0_php8.2-x86_64-linux-glibc, with -debug and -zts for such a PHP.
build_name() {
    case $(uname -m) in
        aarch64 | arm64) arch=arm64 ;;
        x86_64 | amd64) arch=x86_64 ;;
        *) arch=$(uname -m) ;;
    esac
    # shellcheck disable=SC2016 # PHP's variables
    "$php" -n -r 'printf("php_swoole-%s_php%d.%d-%s-linux-%s%s%s", $argv[1], PHP_MAJOR_VERSION, PHP_MINOR_VERSION, $argv[2], $argv[3],
        PHP_DEBUG ? "-debug" : "", PHP_ZTS ? "-zts" : "");' "$1" "$arch" "${2:-$(libc_name)}"
}

# The C library of this machine.
libc_name() {
    case $(ldd --version 2>&1) in
        *musl*) echo musl ;;
        *) echo glibc ;;
    esac
}

# unpack ARCHIVE FOLDER: unpacks a .zip with what there is.
unpack() {
    if command -v unzip >/dev/null; then
        unzip -q -o "$1" -d "$2"
    elif command -v python3 >/dev/null; then
        python3 -m zipfile -e "$1" "$2"
    else
        # shellcheck disable=SC2016 # PHP's variables
        "$php" -r '(new PharData($argv[1]))->extractTo($argv[2], null, true);' "$1" "$2"
    fi
}

# verify FILE SUMS: whether FILE has the checksum that SUMS gives for its name. Prints the reason if not.
verify() {
    wanted=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$(basename "$1")\$/\1/p" "$2")
    found=$(sha256sum "$1" | cut -d' ' -f1)
    if [ -z "$wanted" ]; then
        echo "$(basename "$1") is not in $(basename "$2")" >&2
        return 1
    elif [ "$wanted" != "$found" ]; then
        echo "$(basename "$1") has the SHA-256 $found, not $wanted: it is damaged or not the published file" >&2
        return 1
    fi
}
