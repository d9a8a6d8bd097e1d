--TEST--
Under Xdebug coroutines, Fibers and servers run, with coverage, traces and profiles: each coroutine is a stack of its own
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/xdebug.inc';
xdebug() ?? die('skip Xdebug is not there: scripts/components.sh unpacks it');
?>
--FILE--
<?php
require __DIR__ . '/../inc/xdebug.inc';
require __DIR__ . '/../inc/example.inc';
$folder = sys_get_temp_dir() . '/xdebug' . getmypid();
mkdir($folder);
file_put_contents("$folder/program.php", <<<'PHP'
    <?php
    function nested(int $depth): string
    {
        Co::sleep(0.001);
        if ($depth === 0) {
            return count(xdebug_get_function_stack()) > 3 ? 'deep' : 'flat';
        }
        return nested($depth - 1);
    }
    Co\run(function () {
        $answers = Swoole\Coroutine\map(range(0, 19), function (int $n) {
            $fiber = new Fiber(function () {
                Co::sleep(0.001);
                Fiber::suspend();
            });
            $fiber->start();
            $answer = nested(3 + $n % 4);
            $fiber->resume();
            return $answer;
        });
        echo json_encode(array_count_values($answers)), "\n";
    });
    $server = new Swoole\Http\Server('127.0.0.1', 0, SWOOLE_PROCESS);
    $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'hook_flags' => SWOOLE_HOOK_ALL]);
    $server->on('request', fn ($request, $response) => $response->end(nested(3)));
    $server->on('workerStart', function ($server) {
        go(function () use ($server) {
            echo file_get_contents("http://127.0.0.1:$server->port/"), "\n";
            $server->shutdown();
        });
    });
    $server->start();
    PHP);
foreach (['develop', 'coverage', 'debug', 'trace', 'profile', 'gcstats', 'develop,coverage'] as $mode) {
    $options = ["zend_extension=" . xdebug(), "xdebug.mode=$mode,develop", "xdebug.output_dir=$folder", 'xdebug.start_with_request=yes', 'xdebug.log_level=0'];
    $command = [PHP_BINARY, '-n', ...array_merge(...array_map(fn ($option) => ['-d', $option], $options)), ...extensions(), "$folder/program.php"];
    $program = Example::command($command);
    $status = $program->end();
    echo "$mode: status $status ", strtr(trim($program->printed()), ["\n" => ' ']), "\n";
}
array_map(unlink(...), glob("$folder/*"));
rmdir($folder);
?>
--EXPECT--
develop: status 0 {"deep":20} deep
coverage: status 0 {"deep":20} deep
debug: status 0 {"deep":20} deep
trace: status 0 {"deep":20} deep
profile: status 0 {"deep":20} deep
gcstats: status 0 {"deep":20} deep
develop,coverage: status 0 {"deep":20} deep
