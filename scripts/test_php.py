#!/usr/bin/env python3
"""Runs PHP tests with PHP's own run-tests.php, and ends each one that takes longer than LIMIT seconds.

    scripts/test_php.py PHP RUN_TESTS EXTENSION [TEST or FOLDER...]

run-tests.php waits without limit for a process that closed its output, and for output that keeps coming, and it does not
kill what a test started. A test beyond the limit (environment variable TEST_LIMIT, default 300 seconds) fails here with a
report of its processes: state, system call, threads, and their stacks where gdb is installed. Exits as run-tests.php does.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

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


def late(runner, table):
    """Yields (worker, process) for each test that runs longer than LIMIT."""
    for worker, (parent, _) in table.items():
        if parent != runner:
            continue
        for pid, (parent, age) in table.items():
            if parent == worker and age > LIMIT:
                yield worker, pid


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
    for worker, test in late(runner, table):
        # A process that has been adopted by init is recognised by the pipe that run-tests.php reads.
        read_by_worker = pipes(worker)
        family = descendants(test, table)
        family |= {pid for pid in table if pid not in (worker, runner, os.getpid())
                   and table[pid][0] != runner and pipes(pid) & read_by_worker}
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


def main():
    php, run_tests, extension, *tests = sys.argv[1:]
    environment = dict(os.environ, NO_INTERACTION="1", TEST_PHP_EXECUTABLE=shutil.which(php) or php)
    runner = subprocess.Popen(
        [php, run_tests, "-q", "-j" + os.environ.get("TEST_JOBS", "4"), "--show-diff", "-d", f"extension={extension}",
         *(tests or ["tests/phpt"])], env=environment)
    try:
        while True:
            try:
                return runner.wait(timeout=INTERVAL)
            except subprocess.TimeoutExpired:
                end_late_tests(runner.pid)
    except KeyboardInterrupt:
        return runner.wait()


if __name__ == "__main__":
    sys.exit(main())
