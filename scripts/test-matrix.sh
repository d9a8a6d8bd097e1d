#!/bin/sh
# Runs the PHP tests with several PHPs and prints one line for each:
#   scripts/test-matrix.sh TARGET [PHP_CONFIG...]
# Without php-config programs: that of PATH, and 8.2 thread-safe, 8.4 and 8.4 thread-safe from scripts/php-build.sh.
# TESTS: files or folders to run instead of all. The log of each run stays in its folder of TARGET.
set -u
target=$1
shift
result=0
run() {
    config=$1
    php=$("$config" --php-binary)
    label=$("$php" -n -r 'echo PHP_VERSION, PHP_ZTS ? " ZTS" : " NTS";')
    own=$target/php-$(echo "$label" | tr 'A-Z ' 'a-z-')
    mkdir -p "$own"
    PHP=$php PHP_CONFIG=$config CARGO_TARGET_DIR=$own nice make -s test-php >"$own/tests.log" 2>&1 || result=1
    counts=$(sed -n 's/^Tests \(passed\|failed\|skipped\) *: *\([0-9]*\).*/\2 \1/p' "$own/tests.log" | paste -s -d, | sed 's/,/, /g')
    echo "PHP $label: ${counts:-no test has run}, log in $own/tests.log"
    [ -n "$counts" ] || result=1
}
if [ $# -gt 0 ]; then
    for config in "$@"; do run "$config"; done
    exit $result
fi
run "$(command -v php-config)"
for wanted in "8.2 --zts" "8.4" "8.4 --zts"; do
    # shellcheck disable=SC2086 # a version and an option
    if config=$(sh scripts/php-build.sh $wanted); then
        run "$config"
    else
        echo "PHP $wanted: not tested"
        result=1
    fi
done
exit $result
