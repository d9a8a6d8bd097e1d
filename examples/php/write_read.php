<?php
// The two kinds of pipes: datagrams keep messages apart, a stream is bytes. And timeouts.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/write_read.php
use Swoole\Process;

foreach (['datagrams' => Process::PIPE_TYPE_DGRAM, 'a stream' => Process::PIPE_TYPE_STREAM] as $what => $type) {
    $child = new Process(function (Process $self) {
        $self->write('first ');
        $self->write('second');
        $self->read(); // until the parent closes
    }, false, $type);
    $child->start();
    usleep(300000);
    echo "$what: '", $child->read(), "'\n";
    $child->setTimeout(0.05);
    $type === Process::PIPE_TYPE_DGRAM && print("  then '" . $child->read() . "'\n");
    echo '  then a timeout after 50 ms: ', json_encode($child->read()), ', code ', swoole_last_error(), "\n";
    $child->write('enough');
    Process::wait();
}
