--TEST--
Event watches streams for reading and writing, and writes to them without blocking
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Event;
[$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
stream_set_blocking($a, false);
stream_set_blocking($b, false);
$got = 0;
var_dump(is_int(Event::add($a, function ($stream) use ($a, &$got) {
    $data = fread($stream, 65536);
    $got += strlen($data);
    if ($data === '' && feof($stream)) {
        echo 'end, same stream ', json_encode($stream === $a), " bytes $got\n";
        var_dump(Event::del($stream), Event::isset($stream));
    }
})));
var_dump(Event::isset($a), Event::isset($a, SWOOLE_EVENT_WRITE), Event::isset($b));
Event::add($b, null, function ($stream) {
    echo "room\n";
    Event::del($stream);
    var_dump(Event::write($stream, str_repeat('x', 1_000_000)));
    Swoole\Timer::tick(5, function ($id) use ($stream, &$got) {
        static $turns = 0;
        if ($got >= 1_000_000 || ++$turns === 4000) {
            Swoole\Timer::clear($id);
            fclose($stream);
        }
    });
}, SWOOLE_EVENT_WRITE);
var_dump(@Event::add($a, fn () => null), swoole_last_error());
var_dump(@Event::add('text', fn () => null), @Event::add($b), @Event::set(999, fn () => null));
Event::wait();
?>
--EXPECT--
bool(true)
bool(true)
bool(false)
bool(false)
bool(false)
int(503)
bool(false)
bool(false)
bool(false)
room
bool(true)
end, same stream true bytes 1000000
bool(true)
bool(false)
