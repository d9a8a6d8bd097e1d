--TEST--
Server callbacks run in coroutines: a waiting one does not delay others, in both modes, and a reload waits for it
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
foreach ([SWOOLE_PROCESS, SWOOLE_BASE] as $mode) {
    $probe = stream_socket_server('tcp://127.0.0.1:0');
    $port = (int) substr(strrchr(stream_socket_get_name($probe, false), ':'), 1);
    fclose($probe);
    if (($pid = pcntl_fork()) === 0) {
        $s = new Swoole\Server('127.0.0.1', $port, $mode);
        $s->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'enable_coroutine' => true]);
        $s->on('workerStart', function ($s) use (&$pair) {
            $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
            Swoole\Event::add($pair[0], function ($stream) use ($s) { [$fd, $word] = explode(' ', fread($stream, 100)); $s->send((int) $fd, "by the event queue $word in " . var_export(Co::getCid() > 0, true) . "\n"); });
        });
        $s->on('receive', function ($s, $fd, $reactor, $data) use (&$pair) {
            foreach (explode("\n", trim($data)) as $word) {
                match (true) {
                    $word === 'slow' => Co::sleep(0.6),
                    $word === 'pair' => fwrite($pair[1], "$fd x"),
                    $word === 'file' => $word = Co\System::readFile(__FILE__) === file_get_contents(__FILE__) ? 'file read' : 'file broken',
                    $word === 'end' => $s->shutdown(),
                    $word === 'last' => Swoole\Timer::after(5, fn () => $s->shutdown()) && Co::sleep(0.1),
                    default => null,
                };
                $s->send($fd, "$word " . Co::getCid() . ' ' . Co::getPcid() . "\n");
            }
        });
        $s->start();
        exit(0);
    }
    $c = [];
    for ($try = 0; count($c) < 3 && $try < 400; $try++) {
        ($one = @stream_socket_client("tcp://127.0.0.1:$port")) ? $c[] = $one : usleep(5000);
    }
    fwrite($c[0], "slow\n");
    usleep(20000);
    fwrite($c[1], "quick\n");
    echo preg_replace('/\d+ /', 'N ', fgets($c[1]));
    [$answered, $write, $except] = [[$c[0]], null, null];
    echo stream_select($answered, $write, $except, 0) === 0 ? "at once\n" : "late\n";
    fwrite($c[2], "pair\n");
    $two = [preg_replace('/\d+ /', 'N ', fgets($c[2])), fgets($c[2])];
    sort($two);
    echo implode('', $two);
    fwrite($c[1], "file\n");
    echo preg_replace('/\d+ /', 'N ', fgets($c[1]));
    echo preg_replace('/\d+ /', 'N ', fgets($c[0]));
    fwrite($c[0], "last\n");
    echo preg_replace('/\d+ /', 'N ', fgets($c[0]));
    pcntl_waitpid($pid, $status);
    echo 'ended ', pcntl_wexitstatus($status), "\n";
}
?>
--EXPECT--
quick N -1
at once
by the event queue x in true
pair N -1
file read N -1
slow N -1
last N -1
ended 0
quick N -1
at once
by the event queue x in true
pair N -1
file read N -1
slow N -1
last N -1
ended 0
