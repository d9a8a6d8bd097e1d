#!/bin/sh
# Runs tests of the extension under valgrind: scripts/valgrind.sh PHP RUN_TESTS EXTENSION [TEST...]
#
# Says which tests valgrind found an error in (its report lies beside the test, in NAME.mem) and fails if there are any.
# What a test printed is not looked at: under valgrind everything takes twenty times as long, and many tests look at
# times. The stacks of coroutines need no care: corosensei registers them with valgrind. Nothing is suppressed.
php=$1 run_tests=$2 extension=$3
shift 3
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$here"/tests/phpt/*.phpt
command -v valgrind >/dev/null || { echo "valgrind is not there: apt-get install valgrind" >&2; exit 1; }
# USE_ZEND_ALLOC=0: each of PHP's allocations is one of valgrind's. Modules stay, so that their functions have names.
# The JIT is off: valgrind cannot know when its code changes.
USE_ZEND_ALLOC=0 ZEND_DONT_UNLOAD_MODULES=1 NO_INTERACTION=1 TEST_PHP_EXECUTABLE=$(command -v "$php") \
    VALGRIND_OPTS="--num-callers=30 --error-limit=no" \
    "$php" "$run_tests" -q -m -j"${JOBS:-2}" -d opcache.jit=off -d pcre.jit=0 -d extension="$extension" "$@" |
    grep -a 'Tests\|Time taken'
found=0
for test in "$@"; do
    report=${test%.phpt}.mem
    # A report may also say that valgrind does not know a system call (pidfd_open): the program copes.
    if grep -a -q '^==[0-9]*== ' "$report" 2>/dev/null; then
        echo "$report"
        found=$((found + 1))
    else
        rm -f "$report"
    fi
done
echo "$found tests with an error of memory"
[ "$found" -eq 0 ]
