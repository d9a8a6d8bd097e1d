--TEST--
A child forked in a callback is a program of its own: it waits in coroutines, in its own loop, and ends alone
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
use Swoole\Coroutine as Co;

/** Actions of a child, by name; each ends differently. */
function children(Swoole\Server $server, Journal $journal, int $fd): array
{
    $in_coroutines = function () use ($server, $journal) {
        Co::sleep(0.01);
        $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
        $socket->connect('127.0.0.1', $server->port, 5);
        $socket->send('ping');
        $said = $socket->recv(100, 5);
        $stream = stream_socket_client("tcp://127.0.0.1:$server->port");
        fwrite($stream, 'ping');
        $journal->record("socket: $said, stream: " . fread($stream, 100) . ', coroutines ' . Co::stats()['coroutine_num']);
    };
    return [
        'waits and returns' => $in_coroutines,
        'starts others and returns' => function () use ($in_coroutines, $journal) {
            go(function () use ($in_coroutines, $journal) {
                $in_coroutines();
                Swoole\Timer::after(5, fn () => $journal->record('timer'));
            });
        },
        'waits and exits' => function () use ($in_coroutines) {
            Co::getCid() > 0 && Co::sleep(0.01);
            exit(3);
        },
        'throws later' => fn () => go(function () {
            Co::sleep(0.01);
            throw new Exception('thrown');
        }),
        'is asked to end' => fn () => Swoole\Timer::after(30000, fn () => null),
        'sends' => function () use ($server, $fd) {
            $server->send($fd, 'of the child ');
            $server->stop();
        },
    ];
}

foreach (MODES as $name => $mode) {
    foreach (['coroutines' => true, 'none' => false] as $how => $coroutines) {
        echo "-- $name, $how\n", implode("\n", serve(function ($server, $journal) use ($coroutines) {
            $server->set(['enable_coroutine' => $coroutines, 'hook_flags' => SWOOLE_HOOK_ALL]);
            $server->on('workerstart', function ($server) use ($journal) {
                $me = getmypid();
                // Must not run in a child.
                $server->tick(5, fn () => getmypid() === $me || $journal->record('the tick of the parent'));
            });
            $server->on('workerstop', fn ($server) => $journal->record('stop of ' . ($server->worker_pid === getmypid() ? 'the worker' : 'a child')));
            register_shutdown_function(fn () => $journal->record('shutdown function'));
            $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal, $coroutines) {
                if ($data === 'ping') {
                    $server->send($fd, 'pong');
                    return;
                }
                $child = children($server, $journal, $fd)[$data];
                if (($pid = pcntl_fork()) === 0) {
                    if (!$coroutines && $data === 'waits and returns') {
                        // Outside coroutines a child starts one, or runs a scheduler to its end.
                        go($child);
                        return;
                    }
                    $child();
                    return;
                }
                $data === 'is asked to end' && posix_kill($pid, SIGTERM);
                // Serves the child meanwhile.
                $server->tick(5, function ($timer) use ($server, $fd, $pid) {
                    if (pcntl_waitpid($pid, $status, WNOHANG) > 0) {
                        $server->clearTimer($timer);
                        $server->send($fd, pcntl_wifsignaled($status) ? 'killed by ' . pcntl_wtermsig($status) : 'ended with ' . pcntl_wexitstatus($status));
                    }
                });
            });
        }, function ($ports, $journal) {
            $c = connect($ports[0]);
            foreach (['waits and returns', 'starts others and returns', 'waits and exits', 'throws later', 'is asked to end'] as $what) {
                $journal->record("$what: " . ask($c, $what));
            }
            fwrite($c, 'sends');
            $journal->record('sends: ' . read_all($c, strlen('of the child ended with 0')));
            $journal->record(ask($c, 'ping') . ' ' . ask(connect($ports[0]), 'ping'));
        }, $mode)), "\n";
    }
}
?>
--EXPECT--
-- process, coroutines
socket: pong, stream: pong, coroutines 1
shutdown function
waits and returns: ended with 0
socket: pong, stream: pong, coroutines 1
timer
shutdown function
starts others and returns: ended with 0
shutdown function
waits and exits: ended with 3
shutdown function
throws later: ended with 255
is asked to end: killed by 15
shutdown function
sends: of the child ended with 0
pong pong
stop of the worker
-- process, none
socket: pong, stream: pong, coroutines 1
shutdown function
waits and returns: ended with 0
socket: pong, stream: pong, coroutines 1
timer
shutdown function
starts others and returns: ended with 0
shutdown function
waits and exits: ended with 3
shutdown function
throws later: ended with 255
is asked to end: killed by 15
shutdown function
sends: of the child ended with 0
pong pong
stop of the worker
-- base, coroutines
socket: pong, stream: pong, coroutines 1
shutdown function
waits and returns: ended with 0
socket: pong, stream: pong, coroutines 1
timer
shutdown function
starts others and returns: ended with 0
shutdown function
waits and exits: ended with 3
shutdown function
throws later: ended with 255
is asked to end: killed by 15
shutdown function
sends: of the child ended with 0
pong pong
stop of the worker
-- base, none
socket: pong, stream: pong, coroutines 1
shutdown function
waits and returns: ended with 0
socket: pong, stream: pong, coroutines 1
timer
shutdown function
starts others and returns: ended with 0
shutdown function
waits and exits: ended with 3
shutdown function
throws later: ended with 255
is asked to end: killed by 15
shutdown function
sends: of the child ended with 0
pong pong
stop of the worker