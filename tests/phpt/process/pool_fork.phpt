--TEST--
Process\Pool: a child forked in a callback waits by itself and ends alone; its message is answered once
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/pool.inc';
use Swoole\Coroutine as Co;
use Swoole\Process\Pool;

/** Forks a child that waits, reports and returns true from here; the parent waits for its end. */
function fork_here(Journal $journal, string $where): bool
{
    $waits = Co::getCid() > 0;
    if (($pid = pcntl_fork()) === 0) {
        $waits ? Co::sleep(0.01) : go(fn () => Co::sleep(0.01));
        $journal->record("$where: child");
        return true;
    }
    while (pcntl_waitpid($pid, $status, WNOHANG) === 0) {
        $waits ? Co::sleep(0.005) : usleep(5000);
    }
    $journal->record("$where: ended with " . pcntl_wexitstatus($status));
    return false;
}

foreach ([false, true] as $coroutine) {
    $probe = stream_socket_server('tcp://127.0.0.1:0');
    $port = (int) substr(strrchr(stream_socket_get_name($probe, false), ':'), 1);
    fclose($probe);
    echo $coroutine ? '-- coroutines' : '-- none', "\n", implode("\n", pool(function ($journal) use ($coroutine, $port) {
        $pool = new Pool(1, SWOOLE_IPC_SOCKET, 0, $coroutine);
        $pool->on('start', fn () => fork_here($journal, 'start'));
        $pool->on('shutdown', fn () => $journal->record('shutdown'));
        $pool->on('workerStart', fn () => fork_here($journal, 'worker start'));
        $pool->on('workerStop', fn () => fork_here($journal, 'worker stop'));
        $pool->on('message', function ($pool, $data) use ($journal) {
            if (!fork_here($journal, $data)) {
                $pool->write('of the parent');
            }
        });
        $pool->listen('127.0.0.1', $port);
        $pool->start();
    }, function ($pid, $journal) use ($port) {
        foreach (['message 1', 'message 2'] as $message) {
            $journal->record("$message: answer " . substr(ask_pool($port, $message), 4));
        }
        posix_kill($pid, SIGTERM);
    })), "\n";
}
?>
--EXPECT--
-- none
message 1: answer of the parent
message 1: child
message 1: ended with 0
message 2: answer of the parent
message 2: child
message 2: ended with 0
pool over
shutdown
start: child
start: ended with 0
worker start: child
worker start: ended with 0
worker stop: child
worker stop: ended with 0
-- coroutines
message 1: answer of the parent
message 1: child
message 1: ended with 0
message 2: answer of the parent
message 2: child
message 2: ended with 0
pool over
shutdown
start: child
start: ended with 0
worker start: child
worker start: ended with 0
worker stop: child
worker stop: ended with 0
