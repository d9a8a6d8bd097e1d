--TEST--
The examples of coroutines and of the event loop run in the expected order
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$examples = [
    'co' => fn () => Example::run('co'),
    'coroutine' => fn () => Example::run('coroutine'),
    'co_order' => fn () => Example::run('co_order'),
    'co_chan' => fn () => Example::run('co_chan'),
    'co_runtime' => fn () => Example::run('co_runtime'),
    'co_set_defer' => fn () => Example::run('co_set_defer'),
    'coroutine_client' => fn () => Example::run('coroutine_client'),
    'coroutine_exec' => fn () => Example::run('coroutine_exec'),
    'go_defer' => fn () => Example::run('go_defer'),
    'go_wait_group' => fn () => Example::run('go_wait_group'),
    'event' => fn () => Example::run('event'),
];
foreach ($examples as $name => $run) {
    $example = $run();
    $status = $example->end();
    echo "== $name, status $status\n", $example->printed();
}
?>
--EXPECT--
== co, status 0
first begins
second begins
both wait
second ends
first ends
as long as the longer wait
== coroutine, status 0
this is coroutine 1
alive: 3, 2, 1
coroutine 3 of 1 is still b
coroutine 2 of 1 is still a
main has waited for both
slept to the end: false, cancelled: true
asked to stop
cleaned up
alive: 1
== co_order, status 0
1 main
2 first, until it waits
3 main continues
4 second, until it waits
5 main ends; the script waits for its coroutines
6 first, after its wait
7 a child of the first
8 first ends
9 second, after its wait
== co_chan, status 0
job 1 is queued
job 2 is queued
job 3 is queued
job 4 is queued
job 5 is queued
a did 1
job 6 is queued
a did 4
b did 2
a did 5
a is finished
c did 3
c is finished
b did 6
b is finished
then the channel is empty: false, code -1
== co_runtime, status 0
slow slow slow slow slow slow slow slow slow slow
concurrently
== co_set_defer, status 0
cache is asked
database is asked
service is asked
cache: cache after 10 ms
database: database after 50 ms
service: service after 30 ms
concurrently
== coroutine_client, status 0
CLIENT 1
CLIENT 2
CLIENT 3
CLIENT 4
CLIENT 5
CLIENT 6
CLIENT 7
CLIENT 8
CLIENT 9
CLIENT 10
concurrently
== coroutine_exec, status 0
quick ended with 0
slow ended with 3
meanwhile another coroutine ran
== go_defer, status 0
opens a file
acquires a lock
went wrong
cleans up
works
releases the lock
closes the file
== go_wait_group, status 0
in time: false, so far quick
in time: true, now quick, medium, slow
== event, status 0
watches reading true writing false
the socket reads first
deferred to the next tick
the socket is writable
the socket reads last
the loop has ended
