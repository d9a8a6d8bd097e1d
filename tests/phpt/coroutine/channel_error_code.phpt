--TEST--
A channel's errCode is 0 again after a success; a channel without a constructor's call throws
--EXTENSIONS--
swoole
--FILE--
<?php
class Unconstructed extends Swoole\Coroutine\Channel { function __construct() {} }
Swoole\Coroutine\run(function () {
    $channel = new Swoole\Coroutine\Channel(1);
    $channel->pop(0.001);
    echo 'pop timed out: ', $channel->errCode === SWOOLE_CHANNEL_TIMEOUT ? 'timeout' : $channel->errCode, "\n";
    $channel->push(1);
    echo 'push: ', $channel->errCode, "\n";
    $channel->push(2, 0.001);
    echo 'push timed out: ', $channel->errCode === SWOOLE_CHANNEL_TIMEOUT ? 'timeout' : $channel->errCode, "\n";
    $channel->pop();
    echo 'pop: ', $channel->errCode, "\n";
    try {
        (new Unconstructed)->pop(0.01);
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
});
?>
--EXPECT--
pop timed out: timeout
push: 0
push timed out: timeout
pop: 0
Swoole\Error: must call constructor first
