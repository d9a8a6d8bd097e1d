--TEST--
The faults of peers are logged as information, in both modes: a log of warnings stays empty
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
$log = sys_get_temp_dir() . '/peer_faults_' . getmypid();
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    foreach ([SWOOLE_LOG_INFO => 'INFO', SWOOLE_LOG_WARNING => 'WARNING'] as $level => $name) {
        $child = pcntl_fork();
        if ($child === 0) {
            $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
            $server->set(['worker_num' => 1, 'log_file' => $log, 'log_level' => $level, 'open_http2_protocol' => true]);
            $server->on('request', function ($request, $response) {
                // Its peer leaves in between.
                while (@$response->write(str_repeat('x', 1 << 20))) {
                    Co::sleep(0.001);
                }
            });
            $lengths = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
            $lengths->set(['open_http_protocol' => false, 'open_length_check' => true, 'package_length_type' => 'N', 'package_body_offset' => 4]);
            $lengths->on('receive', fn () => null);
            $server->on('workerStart', function ($server) use ($lengths) {
                go(function () use ($server, $lengths) {
                    foreach ([
                        [$lengths->port, 'hello world, which is too long'],
                        [$server->port, "no HTTP\r\n\r\n"],
                        [$server->port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n no frames at all, whatever one reads"],
                        [$server->port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
                    ] as [$port, $bytes]) {
                        $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
                        $socket->connect('127.0.0.1', $port);
                        $socket->send($bytes);
                        $socket->recv(65536, 1);
                        $socket->setOption(SOL_SOCKET, SO_LINGER, ['l_onoff' => 1, 'l_linger' => 0]);
                        $socket->close();
                        Co::sleep(0.02);
                    }
                    $server->shutdown();
                });
            });
            $server->start();
            exit(0);
        }
        pcntl_waitpid($child, $status);
        $lines = (string) @file_get_contents($log);
        @unlink($log);
        echo "mode $mode, $name: ", str_contains($lines, 'is closed:') ? 'the closed connections' : 'nothing',
            preg_match('/\t(NOTICE|WARNING|ERROR)\t/', $lines) ? ", and warnings:\n$lines" : '', "\n";
    }
}
?>
--EXPECT--
mode 1, INFO: the closed connections
mode 1, WARNING: nothing
mode 2, INFO: the closed connections
mode 2, WARNING: nothing
