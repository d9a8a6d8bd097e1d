#!/usr/bin/env python3
"""Has system calls fail while a server starts and while it answers a request, and prints a table of what happened.

    cargo build -p swoosh --example testserver
    scripts/inject.py target/debug/examples/testserver

Each run makes one call fail (`strace -e inject`), in each process once. A server may refuse to start with a status and a
message, go on, or end with status 255; it must neither hang, nor die by a signal, nor live on without answering. The exit status is 1 if one does. Needs strace(1) and the right
to trace processes.
"""
import os, re, signal, socket, struct, subprocess, sys, tempfile, time

PROGRAM = sys.argv[1]
# The calls by their failure. Left out: what the loader and the standard library call before `main`, and errors that the
# kernel does not give (EAGAIN for bytes that epoll has announced). `start`: while the server starts; `request`: while it accepts a connection and answers.
START = {
    'EMFILE': ['socket', 'epoll_create1', 'eventfd2', 'timerfd_create', 'memfd_create', 'socketpair', 'dup', 'pipe2'],
    'ENOMEM': ['epoll_ctl'],
    'EAGAIN': ['fork', 'vfork', 'clone', 'clone3'],
    'EADDRINUSE': ['bind', 'listen'],
    'EINVAL': ['setsockopt', 'getsockname', 'prctl', 'fcntl', 'timerfd_settime'],
    'EINTR': ['epoll_wait', 'wait4', 'openat'],
    'ENOSPC': ['ftruncate', 'fallocate'],
}
REQUEST = {
    'EMFILE': ['accept4', 'socket'],
    'ECONNABORTED': ['accept4'],
    'EINTR': ['epoll_wait', 'recvfrom', 'sendto', 'read', 'write'],
    'ECONNRESET': ['recvfrom', 'sendto'],
    'EAGAIN': ['sendto', 'read'],
    'ENOMEM': ['epoll_ctl', 'recvfrom'],
    'EINVAL': ['setsockopt', 'getpeername', 'getsockname', 'timerfd_settime', 'shutdown'],
}
POSITIONS = 3  # the first calls of each kind
SETTINGS = ['workers=1', 'reactors=1', 'tasks=1']


def start(folder, inject=None):
    command = [PROGRAM, f'events={folder}/events', f'tmpdir={folder}', *SETTINGS]
    if inject:
        command = ['strace', '-f', '-qq', '-o', f'{folder}/trace', '-e', f'trace={inject.split(":")[0]}', '-e', f'inject={inject}', *command]
    log = open(f'{folder}/log', 'w')
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)


def ask(port, timeout=3):
    try:
        with socket.create_connection(('127.0.0.1', port), timeout) as s:
            s.settimeout(timeout)
            s.sendall(struct.pack('>I', 6) + b'echo a')
            return s.recv(100)[4:] == b'a'
    except OSError:
        return False


def answers(port, within=10):
    end = time.time() + within
    while time.time() < end:
        if ask(port):
            return True
        time.sleep(0.1)
    return False


def port_of(process):
    words = process.stdout.readline().split()
    return int(words[1]) if words[:1] == ['ports'] else None


def end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def first_message(folder):
    lines = [re.sub(r'^\[[^\]]*\]\s*\w+\s*', '', line).strip() for line in open(f'{folder}/log', errors='replace')]
    return next((line for line in lines if line and not line.startswith('strace')), '')[:100]


def injected(folder):
    try:
        return 'INJECTED' in open(f'{folder}/trace', errors='replace').read()
    except FileNotFoundError:
        return False


def while_starting(call, error, n):
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, f'{call}:error={error}:when={n}')
        timer = time.time() + 20
        port = port_of(process)
        if port and answers(port):
            outcome = 'serves'
        else:
            while process.poll() is None and time.time() < timer:
                time.sleep(0.05)
            code = process.poll()
            outcome = 'HANGS' if code is None else (f'DIES by signal {-code}' if code < 0 or code > 128 + 64 and code != 255 else f'refuses to start, status {code}: {first_message(folder)}')
        hit = injected(folder)
        end(process)
        return outcome if hit else None


def while_answering(call, error):
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder)
        port = port_of(process)
        if not port or not answers(port):
            end(process)
            return 'does not start'
        pids = subprocess.run(['pgrep', '-g', str(process.pid)], capture_output=True, text=True).stdout.split()
        attach = ['strace', '-f', '-qq', '-o', f'{folder}/trace', '-e', f'trace={call}', '-e', f'inject={call}:error={error}:when=1']
        tracer = subprocess.Popen(attach + [word for pid in pids for word in ('-p', pid)], stderr=subprocess.DEVNULL)
        time.sleep(0.4)
        first = ask(port)
        hit = injected(folder)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        alive = process.poll() is None
        then = answers(port) if alive else False
        if not then:
            for _ in range(100):
                time.sleep(0 if process.poll() is not None else 0.05)
        lasts = 'the next ones are answered' if then else ('the server ends with status 255' if process.poll() == 255 else 'THE SERVER ANSWERS NO MORE')
        outcome = ('the request is answered, ' if first else 'the request fails, ') + lasts
        end(process)
        return outcome if hit else None


def main():
    bad = 0
    print('| during | call | error | outcome |\n|---|---|---|---|')
    rows = [('start', call, error, n) for error, calls in START.items() for call in calls for n in range(1, POSITIONS + 1)]
    rows += [('a request', call, error, 1) for error, calls in REQUEST.items() for call in calls]
    for phase, call, error, n in rows:
        outcome = while_starting(call, error, n) if phase == 'start' else while_answering(call, error)
        if outcome is None:
            continue
        bad += any(word in outcome for word in ('HANGS', 'DIES', 'NO MORE', 'does not start'))
        name = call if phase != 'start' else f'{call}, {["first", "second", "third"][n - 1]}'
        print(f'| {phase} | {name} | {error} | {outcome} |', flush=True)
    print(f'{bad} bad outcomes', file=sys.stderr)
    sys.exit(bad > 0)


main()
