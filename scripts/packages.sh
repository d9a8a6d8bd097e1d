# shellcheck shell=sh
# Functions for the scripts that install packages; sourced, not run.

# install_packages NAME...: installs Debian packages. A name that the archive does not know, or a package that fails, does
# not keep the others from being installed. Prints the names that could not be installed, one line each, on descriptor 3.
# Returns 1 if there is no way to install anything; the reason is printed.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "swoosh: there is no apt-get here; install the equivalents of these Debian packages: $*" >&2
        return 1
    fi
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "swoosh: run as root, or install sudo, to install these packages: $*" >&2
            return 1
        fi
        as_root="sudo"
    fi
    echo "swoosh: installing $*"
    # Lists that are older than a day may name versions that the mirror has deleted.
    if [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mtime -1 2>/dev/null | head -n 1)" ]; then
        apt_get update || echo "swoosh: apt-get update failed: the package lists may be old" >&2
    fi
    if ! apt_get install -y --no-install-recommends "$@"; then
        for package in "$@"; do
            apt_get install -y --no-install-recommends "$package" || echo "$package" >&3
        done
    fi
}

# apt-get without questions. No terminal is its standard input, and no `timeout` stands between: a background process that
# touches the terminal is stopped by job control.
apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Use-Pty=0 -o Acquire::http::Timeout=60 \
        -o Acquire::Retries=2 -o DPkg::Lock::Timeout=120 "$@" </dev/null >"${APT_LOG:-/dev/null}" 2>&1
}
