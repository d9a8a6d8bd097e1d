<?php
// The event loop by hand: watching a stream, waiting until it is writable, a deferred call, a timer, and the end.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/event.php
use Swoole\Event;
use Swoole\Timer;

[$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
Event::add($here, function ($stream) {
    $line = fgets($stream);
    echo 'the socket reads ', trim($line), "\n";
    if ($line === "last\n") {
        Event::del($stream);
    }
}, fn () => print("the socket is writable\n"));
echo 'watches reading ', var_export(Event::isset($here, SWOOLE_EVENT_READ), true), ' writing ', var_export(Event::isset($here, SWOOLE_EVENT_WRITE), true), "\n";
Event::defer(fn () => print("deferred to the next tick\n"));
Event::write($there, "first\n");
Timer::after(20, function () use ($here, $there) {
    Event::set($here, null, function ($stream) use ($there) {
        echo "the socket is writable\n";
        Event::set($stream, null, null, SWOOLE_EVENT_READ);
        fwrite($there, "last\n");
    }, SWOOLE_EVENT_READ | SWOOLE_EVENT_WRITE);
});
Event::wait();
echo "the loop has ended\n";
