--TEST--
A child forked in a callback runs code and ends; its parent continues to serve with correct counts
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    foreach (['coroutines' => true, 'none' => false] as $how => $coroutines) {
        echo "$name, $how: ", implode(', ', serve(function ($server) use ($coroutines) {
            $server->set(['enable_coroutine' => $coroutines, 'worker_max_concurrency' => 1]);
            $server->on('receive', function ($server, $fd, $reactor, $data) use ($coroutines) {
                if ($data === 'stats') {
                    $server->send($fd, json_encode($server->stats()['worker_concurrency']));
                    return;
                }
                [$mine, $its] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
                if (($pid = pcntl_fork()) === 0) {
                    fwrite($its, 'child of ' . (posix_getppid() === $server->worker_pid ? 'the worker' : 'somebody') . " sums " . array_sum(range(1, 100)));
                    // Ends like a script, without shutting the server down.
                    $data === 'exit' ? exit(0) : posix_kill(getmypid(), SIGKILL);
                }
                fclose($its);
                $coroutines && Swoole\Coroutine::sleep(0.01);
                $said = fread($mine, 100);
                $coroutines ? Swoole\Coroutine\System::waitPid($pid, 5) : pcntl_waitpid($pid, $status);
                $server->send($fd, $said);
            });
        }, function ($ports, $journal) {
            $c = connect($ports[0]);
            foreach (['kill', 'exit', 'stats'] as $what) {
                $journal->record(ask($c, $what));
            }
            // Another connection is served too.
            $journal->record(ask(connect($ports[0]), 'stats'));
        }, $mode)), "\n";
    }
}
?>
--EXPECT--
process, coroutines: child of the worker sums 5050, child of the worker sums 5050, 1, 1
process, none: child of the worker sums 5050, child of the worker sums 5050, 1, 1
base, coroutines: child of the worker sums 5050, child of the worker sums 5050, 1, 1
base, none: child of the worker sums 5050, child of the worker sums 5050, 1, 1
