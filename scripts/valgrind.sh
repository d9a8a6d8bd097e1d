#!/bin/sh
# Runs tests of the extension under valgrind: scripts/valgrind.sh PHP RUN_TESTS EXTENSION [TEST...]
#
# Prints for each test whether it finished within LIMIT seconds (default 300) and in how many processes valgrind found an
# error; the reports are in REPORTS (default: a folder in /tmp). Fails if there is any. The result of a test is printed
# but not judged: under valgrind everything takes twenty times as long, and many tests measure times. corosensei
# registers the stacks of coroutines with valgrind.
php=$(command -v "$1") run_tests=$2 extension=$3
shift 3
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$here"/tests/phpt/*/*.phpt
command -v valgrind >/dev/null || { echo "valgrind is not installed: apt-get install valgrind" >&2; exit 1; }
reports=${REPORTS:-/tmp/swoosh-memcheck.$$}
mkdir -p "$reports"

# The PHP program for run-tests: a test itself runs under valgrind, with all processes that it starts except components;
# its skip and clean sections do not.
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
    # PHP does not register the stacks of Fibers: valgrind must not unwind beyond their end.
    [ "$name" = coroutine_fibers ] && callers=3 || callers=30
    began=$(date +%s)
    # USE_ZEND_ALLOC=0: PHP allocates with malloc, which valgrind tracks. Modules stay loaded, so that reports have names.
    # The JIT is off: valgrind does not notice when generated code changes.
    said=$(CALLERS=$callers VALGRIND_REPORT="$reports/$name" USE_ZEND_ALLOC=0 ZEND_DONT_UNLOAD_MODULES=1 NO_INTERACTION=1 \
        TEST_PHP_EXECUTABLE="$reports/php" TEST_TIMEOUT=${LIMIT:-300} timeout -k 5 $((${LIMIT:-300} + 30)) \
        "$php" "$run_tests" -q -d opcache.jit=off -d pcre.jit=0 -d extension="$extension" "$test" 2>&1 |
        grep -a -o 'PASS\|WARN\|FAIL\|SKIP\|BORK\|timed out' | sort -u | tr '\n' ' ')
    # Kills the processes left by a test that timed out, found by their environment.
    grep -lsz "^VALGRIND_REPORT=$reports/$name\$" /proc/[0-9]*/environ | cut -d/ -f3 | xargs -r kill -9
    # Drops reports without an error: valgrind also reports unknown system calls (pidfd_open), which the program handles.
    find "$reports" -name "$name.*" -exec sh -c 'for f; do grep -a -q "^==[0-9]*== " "$f" || rm -f "$f"; done' - {} +
    errors=$(find "$reports" -name "$name.*" | wc -l)
    [ "$errors" -eq 0 ] || found=$((found + 1))
    echo "$name: ${said:-timed out} $errors processes with errors, $(($(date +%s) - began)) s"
done
echo "$found tests with memory errors; reports in $reports"
[ "$found" -eq 0 ]
