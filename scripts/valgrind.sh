#!/bin/sh
# Runs tests of the extension under valgrind: scripts/valgrind.sh PHP RUN_TESTS EXTENSION [TEST...]
#
# Says which tests valgrind found an error in (its report lies beside the test, in NAME.mem) and fails if there are any.
# What a test printed is not looked at: under valgrind everything takes twenty times as long, and many tests look at
# times. The stacks of coroutines need no care: corosensei registers them with valgrind.
php=$1 run_tests=$2 extension=$3
shift 3
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$here/tests/phpt"
command -v valgrind >/dev/null || { echo "valgrind is not there: apt-get install valgrind" >&2; exit 1; }
list=$(mktemp)
# USE_ZEND_ALLOC=0: each of PHP's allocations is one of valgrind's. Modules stay, so that their functions have names.
# The JIT is off: valgrind cannot know when its code changes.
USE_ZEND_ALLOC=0 ZEND_DONT_UNLOAD_MODULES=1 NO_INTERACTION=1 TEST_TIMEOUT=300 TEST_PHP_EXECUTABLE=$(command -v "$php") \
    VALGRIND_OPTS="--suppressions=$here/scripts/valgrind.supp --num-callers=30 --error-limit=no" \
    "$php" "$run_tests" -q -m -j"${JOBS:-2}" -d opcache.jit=off -d pcre.jit=0 -d extension="$extension" "$@" |
    tee "$list" | grep -a 'MEM\|Time taken'
found=$(grep -a -c 'LEAK\|MEM' "$list")
rm -f "$list"
echo "$found tests with an error of memory"
[ "$found" -eq 0 ]
