--TEST--
grpcio's health client checks and watches services of a gRPC server and of HTTP servers in both modes
--SKIPIF--
<?php
require __DIR__ . '/../inc/grpc.inc';
need_grpcio();
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/grpc.inc';
use Swoosh\Grpc\{Health, Server, Service};
function health_service(Service $service): Health
{
    $health = new Health($service);
    $health->set('shop.Orders', Health::NOT_SERVING);
    $service->unary('/test.Health/Set', function (string $message) use ($health) {
        [$name, $status] = explode('=', $message);
        $health->set($name, (int) $status);
        return '';
    });
    $service->unary('/test.Health/Watchers', fn () => (string) count((fn () => $this->watchers)->call($health)));
    return $health;
}
function show(PythonProgram $client, int $pid): void
{
    for ($line = ''; !str_starts_with($line, 'watchers') && ($line = $client->line()) !== '';) {
        echo "$line\n";
    }
    posix_kill($pid, SIGTERM);
    echo $client->rest();
    pcntl_waitpid($pid, $status);
    echo "end $status\n";
}
echo "-- gRPC server\n";
$server = new Server('127.0.0.1', 0);
if (!$pid = pcntl_fork()) {
    Co\run(function () use ($server) {
        health_service($server);
        Swoole\Process::signal(SIGTERM, function () use ($server) {
            Swoole\Process::signal(SIGTERM, null);
            $server->shutdown();
        });
        $server->start();
    });
    exit;
}
show(new PythonProgram(__DIR__ . '/../inc/grpc_health_client.py', $server->port), $pid);
foreach ([SWOOLE_BASE => 'base', SWOOLE_PROCESS => 'process'] as $mode => $name) {
    foreach (['open_grpc_protocol', 'open_http2_protocol'] as $protocol) {
        echo "-- $name $protocol\n";
        $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
        $server->set([$protocol => true, 'worker_num' => 1, 'reload_async' => true, 'log_level' => SWOOLE_LOG_NONE]);
        $service = new Service();
        $health = health_service($service);
        $server->on('request', $service->handle(...));
        $server->on('workerExit', $health->shutdown(...));
        if (!$pid = pcntl_fork()) {
            $server->start();
            exit;
        }
        show(new PythonProgram(__DIR__ . '/../inc/grpc_health_client.py', $server->port), $pid);
    }
}
?>
--EXPECT--
-- gRPC server
check SERVING NOT_SERVING NOT_FOUND
watch SERVING SERVICE_UNKNOWN
set SERVING
set NOT_SERVING NOT_SERVING NOT_SERVING NOT_SERVING
watchers b'1'
shutdown UNAVAILABLE
end 0
-- base open_grpc_protocol
check SERVING NOT_SERVING NOT_FOUND
watch SERVING SERVICE_UNKNOWN
set SERVING
set NOT_SERVING NOT_SERVING NOT_SERVING NOT_SERVING
watchers b'1'
shutdown UNAVAILABLE
end 0
-- base open_http2_protocol
check SERVING NOT_SERVING NOT_FOUND
watch SERVING SERVICE_UNKNOWN
set SERVING
set NOT_SERVING NOT_SERVING NOT_SERVING NOT_SERVING
watchers b'1'
shutdown UNAVAILABLE
end 0
-- process open_grpc_protocol
check SERVING NOT_SERVING NOT_FOUND
watch SERVING SERVICE_UNKNOWN
set SERVING
set NOT_SERVING NOT_SERVING NOT_SERVING NOT_SERVING
watchers b'1'
shutdown UNAVAILABLE
end 0
-- process open_http2_protocol
check SERVING NOT_SERVING NOT_FOUND
watch SERVING SERVICE_UNKNOWN
set SERVING
set NOT_SERVING NOT_SERVING NOT_SERVING NOT_SERVING
watchers b'1'
shutdown UNAVAILABLE
end 0
