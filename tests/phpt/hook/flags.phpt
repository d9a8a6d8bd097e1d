--TEST--
Hook flags are those that were set last; a later run() keeps them; phpinfo() names what is hooked
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Runtime;
function child(string $name, callable $f): void
{
    if (!pcntl_fork()) {
        echo "$name: ", implode(' ', array_map(fn ($flags) => $flags === SWOOLE_HOOK_ALL ? 'ALL' : $flags, $f())), "\n";
        exit;
    }
    pcntl_wait($status);
}
$inside = function () {
    Co\run(function () use (&$flags) { $flags = Runtime::getHookFlags(); });
    return $flags;
};
child('at first', fn () => [Runtime::getHookFlags(), $inside(), Runtime::getHookFlags()]);
child('enableCoroutine(0)', function () use ($inside) { Runtime::enableCoroutine(0); return [Runtime::getHookFlags(), $inside()]; });
child('enableCoroutine()', function () use ($inside) { Runtime::enableCoroutine(); return [Runtime::getHookFlags(), $inside(), Co::getOptions()['hook_flags']]; });
child('setHookFlags', function () use ($inside) { Runtime::setHookFlags(SWOOLE_HOOK_SLEEP); return [Runtime::getHookFlags(), $inside()]; });
child('Co::set, then setHookFlags', function () use ($inside) { Co::set(['hook_flags' => SWOOLE_HOOK_SLEEP]); Runtime::setHookFlags(SWOOLE_HOOK_FILE); return [Runtime::getHookFlags(), $inside()]; });
child('-1', function () { Runtime::setHookFlags(-1); return [Runtime::getHookFlags()]; });
child('a server', function () {
    $server = new Swoole\Server('127.0.0.1', 0);
    $server->set(['hook_flags' => SWOOLE_HOOK_SLEEP]);
    return [Runtime::getHookFlags()];
});
(new ReflectionExtension('swoole'))->info();
?>
--EXPECTREGEX--
at first: 0 ALL ALL
enableCoroutine\(0\): 0 0
enableCoroutine\(\): ALL ALL ALL
setHookFlags: 512 512
Co::set, then setHookFlags: 256 256
-1: 4294967295
a server: 512
[\s\S]*
hooks => sleep, streams, DNS, files, pipes, processes[\w\/, ]*
(?![\s\S]*no effect)[\s\S]*
