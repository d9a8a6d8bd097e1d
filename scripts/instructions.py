#!/usr/bin/env python3
"""User instructions of one request for each workload, counted by cachegrind: base mode, one worker.

  scripts/instructions.py [--check] [--record] [--load] [--extension FILE] [--php PHP] [WORKLOAD...]

The number is the difference between a run with 1,300 requests and one with 300, divided by 1,000. Two are printed:

- with 8 connections, beside the figure of Swoole 6.2.1 measured in the same way. On a busy machine it is higher, because
  the server then sleeps and wakes for each request instead of for several;
- with one connection, which needs a wake-up for each request. It is the same on a busy machine, so budgets are for it.

--check counts the second only, and fails if it is more than the budget in `docs/instructions.json` and a tolerance.
Another compiler, PHP or processor gives other numbers: then, and without valgrind and ab, nothing is checked. --record writes
the numbers as the new budgets.

--load sends 3,000 requests to each workload and counts nothing: scripts/pgo.sh profiles the servers meanwhile.
"""

import argparse
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUDGETS = os.path.join(ROOT, 'docs', 'instructions.json')
SERVER = os.path.join(ROOT, 'benches', 'php', 'workloads.php')
# Arguments of ab for each workload, and how much more than its budget it may take. Those that wait or connect depend
# on how much a wake-up finds to do.
WORKLOADS = {
    'hello': (['-k'], 0.03),
    'read': (['-k', '-H', 'Cookie: sid=abcdef; theme=dark', '-H', 'Accept: application/json', '-H',
              'User-Agent: Mozilla/5.0 (X11; Linux x86_64)', '-H', 'Accept-Encoding: identity', '-H',
              'X-Request-Id: 123e4567'], 0.03),
    'json': (['-k', '-T', 'application/json'], 0.03),
    'gzip': (['-k', '-H', 'Accept-Encoding: gzip'], 0.03),
    'long': (['-k'], 0.03),
    'tls': (['-k'], 0.03),
    'connections': ([], 1.0),
    'sleep': (['-k'], 0.25),
    'file': (['-k'], 0.03),
    'coroutines': (['-k'], 0.25),
}
TARGETS = {'read': '/users?id=42&page=3'}
JSON_BODY = '{"name":"x","items":[%s]}' % ','.join(['{"id":1,"price":9.99}'] * 30)


def toolchain():
    """What the numbers depend on: compiler, PHP, and the processor, for which libraries choose their vector instructions."""
    rustc = subprocess.run(['rustc', '--version'], capture_output=True, text=True).stdout.split()
    php = subprocess.run(['php', '-r', 'echo PHP_VERSION;'], capture_output=True, text=True).stdout
    with open('/proc/cpuinfo') as file:
        cpu = next((line.split(':')[1].strip() for line in file if line.startswith('model name')), '')
    return {'rustc': rustc[1] if len(rustc) > 1 else '', 'php': php, 'cpu': cpu}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def run(name, php, requests, connections, folder):
    """Runs a workload's server, whose command begins with `php`, for that many requests."""
    port = free_port()
    scheme, more = 'http', []
    if name == 'tls':
        scheme, more = 'https', [f'{folder}/cert.pem', f'{folder}/key.pem']
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                        '-keyout', more[1], '-out', more[0], '-subj', '/CN=localhost', '-days', '30'], check=True,
                       capture_output=True)
    server = subprocess.Popen([*php, SERVER, name, str(port), *more], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(600):
            try:
                socket.create_connection(('127.0.0.1', port), 0.2).close()
                break
            except OSError:
                time.sleep(0.1)
        arguments = WORKLOADS[name][0]
        if name == 'json':
            with open(f'{folder}/body', 'w') as body:
                body.write(JSON_BODY)
            arguments = [*arguments, '-p', f'{folder}/body']
        url = f'{scheme}://127.0.0.1:{port}{TARGETS.get(name, "/")}'
        ab = subprocess.run(['ab', '-q', '-n', str(requests), '-c', str(connections), *arguments, url], capture_output=True,
                            text=True, timeout=600)
        complete = re.search(r'Complete requests:\s+(\d+)', ab.stdout)
        if not complete or int(complete[1]) != requests or 'Non-2xx' in ab.stdout:
            sys.exit(f'{name}: ab did not get {requests} responses:\n{ab.stdout}{ab.stderr}')
        os.kill(server.pid, signal.SIGTERM)
        server.wait(timeout=120)
    finally:
        try:
            os.killpg(server.pid, signal.SIGKILL)
        except OSError:
            pass


def count(name, php, requests, connections, folder):
    """Instructions of a server's life with that many requests."""
    run(name, ['valgrind', '--tool=cachegrind', '--cache-sim=no', f'--cachegrind-out-file={folder}/out.%p',
               f'--log-file={folder}/log.%p', *php], requests, connections, folder)
    counted = []
    for log in glob.glob(f'{folder}/log.*'):
        with open(log) as file:
            counted += re.findall(r'I\s+refs:\s+([\d,]+)', file.read())
        os.unlink(log)
    return sum(int(number.replace(',', '')) for number in counted)


def measure(name, php, connections):
    with tempfile.TemporaryDirectory() as folder:
        few, many = (count(name, php, requests, connections, folder) for requests in (300, 1300))
        return round((many - few) / 1000)


def load(name, php):
    print(f'load: {name}', flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run(name, php, 3000, 8, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--record', action='store_true')
    parser.add_argument('--load', action='store_true')
    parser.add_argument('--php', default='php')
    parser.add_argument('--extension', default=os.path.join(
        os.environ.get('CARGO_TARGET_DIR', os.path.join(ROOT, 'target')), 'release', 'libswoosh_php.so'))
    parser.add_argument('workloads', nargs='*', metavar='WORKLOAD')
    options = parser.parse_args()
    php = [options.php, '-d', f'extension={options.extension}']
    names = options.workloads or WORKLOADS
    if options.load:
        for name in names:
            load(name, php)
        return 0
    missing = [tool for tool in ('valgrind', 'ab', 'openssl') if not shutil.which(tool)]
    if missing:
        print(f'instructions are not counted: {", ".join(missing)} missing (packages valgrind, apache2-utils, openssl)')
        return 0 if options.check else 1
    with open(BUDGETS) as file:
        recorded = json.load(file)
    here = toolchain()
    comparable = here == recorded['toolchain']
    if options.check and not comparable:
        print(f'budgets are not checked: they are for {recorded["toolchain"]}, this is {here}')
        return 0
    failed = []
    print('              one connection      8 connections')
    print(f'{"workload":<12} {"now":>8} {"budget":>8} {"now":>8} {"Swoole":>8}')
    for name in names:
        row = recorded['workloads'].setdefault(name, {'budget': None, 'swoole': None})
        budget, swoole = row['budget'], row['swoole']
        one = measure(name, php, 1)
        eight = '' if options.check else measure(name, php, 8)
        limit = budget * (1 + WORKLOADS[name][1]) if comparable and budget else float('inf')
        if one > limit:
            # An interrupted run counts more wake-ups.
            one = min(one, measure(name, php, 1))
        over = one > limit
        print(f'{name:<12} {one:>8} {budget or "":>8} {eight:>8} {swoole or "":>8}{"  over budget" if over else ""}',
              flush=True)
        if over:
            failed.append(name)
        if options.record:
            row['budget'] = one
    if options.record:
        recorded['toolchain'] = here
        with open(BUDGETS, 'w') as file:
            json.dump(recorded, file, indent=4)
            file.write('\n')
    if failed and options.check:
        print(f'over budget: {", ".join(failed)}. Find out why with callgrind, or record a new budget with the reason.')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
