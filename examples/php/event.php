<?php
// The event loop by hand: a stream that is watched, room to write, a deferred call, a timer, and the end of it.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/event.php
use Swoole\Event;
use Swoole\Timer;

[$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
Event::add($here, function ($stream) {
    $line = fgets($stream);
    echo 'here reads ', trim($line), "\n";
    if ($line === "last\n") {
        Event::del($stream);
    }
}, fn () => print("here has room to write\n"));
echo 'watches reading ', var_export(Event::isset($here, SWOOLE_EVENT_READ), true), ' writing ', var_export(Event::isset($here, SWOOLE_EVENT_WRITE), true), "\n";
Event::defer(fn () => print("deferred to the next turn\n"));
Event::write($there, "first\n");
Timer::after(20, function () use ($here, $there) {
    Event::set($here, null, function ($stream) use ($there) {
        echo "here has room to write\n";
        Event::set($stream, null, null, SWOOLE_EVENT_READ);
        fwrite($there, "last\n");
    }, SWOOLE_EVENT_READ | SWOOLE_EVENT_WRITE);
});
Event::wait();
echo "nothing is left to wait for\n";
