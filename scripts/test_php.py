#!/usr/bin/env python3
"""Runs PHP tests with PHP's own run-tests.php, and ends each one that takes longer than LIMIT seconds.

    scripts/test_php.py PHP RUN_TESTS EXTENSION [TEST or FOLDER...]

run-tests.php waits without limit for a process that a failed test left behind with the test's output open, and it kills
nothing that a test started. A test beyond the limit (environment variable TEST_LIMIT, default 300 seconds) fails here with
a report of its processes: state, system call, threads, and their stacks where gdb is installed.

Tests that fail run again, one at a time: a busy machine can delay one of many processes beyond any limit that a test sets.
Both results are printed. Exits as run-tests.php does, by the second result.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

LIMIT = int(os.environ.get("TEST_LIMIT", "300"))
INTERVAL = 5


def read(path):
    try:
        return pathlib.Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return ""


def processes():
    """Maps each process to (parent, age in seconds)."""
    uptime = float(read("/proc/uptime").split()[0])
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        # The command name, in parentheses, may contain spaces (proc_pid_stat(5)).
        fields = read(f"/proc/{name}/stat").rpartition(")")[2].split()
        if fields:
            found[int(name)] = (int(fields[1]), uptime - int(fields[19]) / ticks)
    return found


def pipes(pid):
    """The pipes that a process has open."""
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            if target.startswith("pipe:"):
                found.add(target)
    except OSError:
        pass
    return found


def descendants(root, table):
    found, added = {root}, True
    while added:
        added = {pid for pid, (parent, _) in table.items() if parent in found and pid not in found}
        found |= added
    return found


def is_shell(pid):
    return read(f"/proc/{pid}/comm").strip() == "sh"


def late(runners, table):
    """Yields (runner, process) for each test that runs longer than LIMIT. A test is started by a shell."""
    for pid, (parent, age) in table.items():
        if parent in runners and age > LIMIT and is_shell(pid):
            yield parent, pid


def report(pid):
    command = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
    print(f"  process {pid}: {command[-300:] or 'ended, not waited for'}")
    for thread in sorted(os.listdir(f"/proc/{pid}/task")):
        place = f"/proc/{pid}/task/{thread}"
        state = read(f"{place}/stat").rpartition(")")[2].split()[:1]
        print(f"    thread {thread} {read(f'{place}/comm').strip()}: state {''.join(state)}, "
              f"waits in {read(f'{place}/wchan') or '?'}, system call {read(f'{place}/syscall').strip() or '?'}")
    if command and not command.startswith("sh -c") and shutil.which("gdb"):
        try:
            stacks = subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 25"], text=True,
                                    capture_output=True, timeout=60).stdout
            print("".join(f"    {line[:200]}\n" for line in stacks.splitlines() if line.startswith(("#", "Thread"))))
        except subprocess.TimeoutExpired:
            print("    gdb did not finish")


def end_late_tests(runner):
    table = processes()
    # Any worker starts tests; without workers run-tests.php itself does.
    runners = {runner} | {pid for pid, (parent, _) in table.items() if parent == runner and not is_shell(pid)}
    for reader, test in late(runners, table):
        # A process that has been adopted by init is recognised by the pipe that run-tests.php reads.
        read_there = pipes(reader) - pipes(os.getpid())
        family = descendants(test, table)
        family |= {pid for pid in table if pid not in runners | {os.getpid()} and pipes(pid) & read_there}
        print(f"\n** no end within {LIMIT} s; the processes of this test are killed:", flush=True)
        for pid in sorted(family):
            try:
                report(pid)
            except OSError:
                pass
        sys.stdout.flush()
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def run(php, run_tests, extension, tests, jobs, failures):
    """Runs tests. Returns the exit status of run-tests.php; the failed tests are in the file `failures`."""
    environment = dict(os.environ, NO_INTERACTION="1", TEST_PHP_EXECUTABLE=shutil.which(php) or php)
    runner = subprocess.Popen([php, run_tests, "-q", f"-j{jobs}", "--show-diff", "-w", failures,
                               "-d", f"extension={extension}", *tests], env=environment)
    while True:
        try:
            return runner.wait(timeout=INTERVAL)
        except subprocess.TimeoutExpired:
            end_late_tests(runner.pid)
        except KeyboardInterrupt:
            return runner.wait()


def main():
    php, run_tests, extension, *tests = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        failures = str(pathlib.Path(folder, "failures"))
        status = run(php, run_tests, extension, tests or ["tests/phpt"], os.environ.get("TEST_JOBS", "4"), failures)
        failed = read(failures).split("\n")[:-1]
        if status != 1 or not failed:
            return status
        print(f"\n== {len(failed)} failed; one at a time:", flush=True)
        return run(php, run_tests, extension, failed, 1, failures)


if __name__ == "__main__":
    sys.exit(main())
