#!/bin/sh
# Runs tests of the extension under valgrind: scripts/valgrind.sh PHP RUN_TESTS EXTENSION [TEST...]
#
# Tells of each test whether it came to its end within LIMIT seconds (300) and how many processes valgrind found an error
# in; their reports lie in REPORTS (a folder beneath /tmp). Fails if there are any. What a test printed is told too but
# not counted: under valgrind everything takes twenty times as long, and many tests look at times. The stacks of
# coroutines need no care: corosensei registers them with valgrind.
php=$(command -v "$1") run_tests=$2 extension=$3
shift 3
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$here"/tests/phpt/*/*.phpt
command -v valgrind >/dev/null || { echo "valgrind is not there: apt-get install valgrind" >&2; exit 1; }
reports=${REPORTS:-/tmp/swoosh-memcheck.$$}
mkdir -p "$reports"

# What run-tests takes for PHP: a test itself runs under valgrind, with all processes that it starts but for components;
# what looks whether it can run does not.
cat > "$reports/php" <<END
#!/bin/sh
case "\$LD_PRELOAD \$*" in
*vgpreload* | *.skip.php* | *.clean.php*) exec $php "\$@" ;;
*tests/phpt/*.php*) exec valgrind -q --log-file="\$VALGRIND_REPORT.%p" --num-callers=\$CALLERS --error-limit=no \\
    --suppressions=$here/scripts/valgrind.supp --trace-children=yes \\
    --trace-children-skip='*/setpriv,*/mariadbd,*/redis-server,*/nginx,*/chromium,*/openssl,*/make,*/cargo' $php "\$@" ;;
*) exec $php "\$@" ;;
esac
END
chmod +x "$reports/php"

found=0
for test in "$@"; do
    name=$(basename "$(dirname "$test")")_$(basename "$test" .phpt)
    # PHP does not register the stacks of Fibers: valgrind must not look for callers beyond their bottom.
    [ "$name" = coroutine_fibers ] && callers=3 || callers=30
    began=$(date +%s)
    # USE_ZEND_ALLOC=0: each of PHP's allocations is one of valgrind's. Modules stay, so that their functions have names.
    # The JIT is off: valgrind cannot know when its code changes.
    said=$(CALLERS=$callers VALGRIND_REPORT="$reports/$name" USE_ZEND_ALLOC=0 ZEND_DONT_UNLOAD_MODULES=1 NO_INTERACTION=1 \
        TEST_PHP_EXECUTABLE="$reports/php" TEST_TIMEOUT=${LIMIT:-300} timeout -k 5 $((${LIMIT:-300} + 30)) \
        "$php" "$run_tests" -q -d opcache.jit=off -d pcre.jit=0 -d extension="$extension" "$test" 2>&1 |
        grep -a -o 'PASS\|WARN\|FAIL\|SKIP\|BORK\|timed out' | sort -u | tr '\n' ' ')
    # What a test that did not end has left: its processes have this in their environment.
    grep -lsz "^VALGRIND_REPORT=$reports/$name\$" /proc/[0-9]*/environ | cut -d/ -f3 | xargs -r kill -9
    # A report may also say that valgrind does not know a system call (pidfd_open): the program copes.
    find "$reports" -name "$name.*" -exec sh -c 'for f; do grep -a -q "^==[0-9]*== " "$f" || rm -f "$f"; done' - {} +
    errors=$(find "$reports" -name "$name.*" | wc -l)
    [ "$errors" -eq 0 ] || found=$((found + 1))
    echo "$name: ${said:-not ended} $errors processes with errors, $(($(date +%s) - began)) s"
done
echo "$found tests with an error of memory; reports in $reports"
[ "$found" -eq 0 ]
