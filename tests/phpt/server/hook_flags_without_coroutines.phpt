--TEST--
hook_flags take effect in workers also where enable_coroutine is off
--EXTENSIONS--
swoole
--FILE--
<?php
$server = new Swoole\Http\Server('127.0.0.1', 0);
$server->set(['worker_num' => 1, 'enable_coroutine' => false, 'hook_flags' => SWOOLE_HOOK_ALL, 'log_level' => SWOOLE_LOG_NONE]);
$server->on('workerStart', function ($server) { var_dump(Swoole\Runtime::getHookFlags() === SWOOLE_HOOK_ALL); $server->shutdown(); });
$server->on('request', fn () => 1);
$server->start();
Swoole\Runtime::enableCoroutine(SWOOLE_HOOK_TCP);
Co\run(function () { var_dump(Swoole\Runtime::getHookFlags() === SWOOLE_HOOK_TCP); });
?>
--EXPECT--
bool(true)
bool(true)
