--TEST--
A fatal error, an exception, exit or exhausted memory in a callback affects no other worker
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
is_dir('/proc/self') || die('skip /proc is needed');
getenv('USE_ZEND_ALLOC') === '0' && die('skip without PHP\'s own allocator nothing bounds memory');
?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
const FAULTS = ['undefined' => 255, 'throw' => 255, 'memory' => 255, 'exit 3' => 255, 'exit 0' => 255, 'nest' => 255, 'timer' => 255, 'defer' => 255];
const TOLD = [
    'undefined' => 'Call to undefined function no_such_function()',
    'throw' => 'Uncaught RuntimeException: as asked',
    'memory' => 'Allowed memory size of',
    'timer' => 'Uncaught RuntimeException: out of a timer',
    'defer' => 'Uncaught RuntimeException: out of a deferred call',
];
in_both_modes(function (string $mode) {
    $server = new FaultServer($mode);
    $server->wait_for('workerStart', 2);
    $load = new Load($server->port);
    $started = 2;
    foreach ([1, 2] as $round) {
        foreach (FAULTS as $fault => $status) {
            $told = count($server->events("workerError"));
            $client = new FaultClient($server->port);
            $client->send($fault);
            $started++;
            $load->until(fn () => count($server->events('workerStart')) >= $started);
            $status && $load->until(fn () => count($server->events('workerError')) > $told);
            $errors = array_slice($server->events('workerError'), $told);
            check(count($errors) === ($status ? 1 : 0), "$fault: one worker is reported", $errors);
            check(!$errors || preg_match("/ $status 0$/", $errors[0]) === 1, "$fault: its status", $errors);
            // In base mode the connections of a process end with it.
            $mode === 'process' && check($client->packet(0) === null, "$fault: its connection stays");
            $load->during(0.1);
        }
    }
    $load->end();
    foreach (TOLD as $fault => $words) {
        check(substr_count($server->log(), $words) >= 2, "$fault is logged", $server->log());
    }
    check(str_contains($server->log(), '#0 [internal function]: {closure'), 'the trace is logged', $server->log());
    report("faults of callbacks, $mode", $load, '16 faults;');
    check($load->answered > 500 && $load->wrong === 0, 'the others are served', $load->counts());
    check($load->lost <= ($mode === 'process' ? 0 : 16), 'nothing is lost', $load->counts());
    check($load->broken <= ($mode === 'process' ? 0 : 16 * 4), 'what is broken', $load->counts());
    check(count($server->events('workerStart')) === $started, 'only the faulty workers are replaced');
    check($server->stop() === 0, 'the server ends well');
});
echo "done";
?>
--EXPECT--
process
base
done
