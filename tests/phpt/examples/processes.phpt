--TEST--
The examples of processes and of shared data work
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$examples = [
    'process' => fn () => Example::run('process'),
    'process_exec' => fn () => Example::run('process_exec'),
    'process_monitor' => fn () => Example::run('process_monitor'),
    'process_signal' => fn () => Example::run('process_signal'),
    'signal' => fn () => Example::run('signal'),
    'write_read' => fn () => Example::run('write_read'),
    'push_pop' => fn () => Example::run('push_pop'),
    'table' => fn () => Example::run('table'),
    'shm_atomic_lock' => fn () => Example::run('shm_atomic_lock'),
];
foreach ($examples as $name => $run) {
    $example = $run();
    $status = $example->end();
    $lines = explode("\n", rtrim($example->printed()));
    // Children end in any order.
    in_array($name, ['process_monitor', 'process_signal']) && sort($lines);
    echo "== $name, status $status\n", implode("\n", preg_replace('~^child \d ended with \d~', 'child N ended', $lines)), "\n";
}
?>
--EXPECT--
== process, status 0
one got 'some work' and is process its own
two got 'some work' and is process its own
three got 'some work' and is process its own
all have ended, with 0 1 2
== process_exec, status 0
it read: a line
it exited with 3
== process_monitor, status 0
child N ended, and is replaced
child N ended, and is replaced
child N ended, and is replaced
child N ended, and is replaced
child N ended, and is replaced
children left: false
== process_signal, status 0
a child ended with 1
a child ended with 2
a child ended with 3
all have ended
== signal, status 0
sent, and not yet handled
SIGUSR1 is signal 10
alarm 1
alarm 2
alarm 3
over
== write_read, status 0
datagrams: 'first '
  then 'second'
  then a timeout after 50 ms: false, code 6002
a stream: 'first second'
  then a timeout after 50 ms: false, code 6002
== push_pop, status 0
30 jobs were done; left in the queue: 0
== table, status 0
{"name":"Roma","visits":4000,"load":0.5}
rome: Roma 4000
oslo: Oslo 7
1 row, false
full: 1228 rows, code 510
== shm_atomic_lock, status 0
atomic 600, file 300
a long wraps around: true
after its holder was killed: true
woken: true
