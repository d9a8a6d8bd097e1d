<?php
// The first children: each a function in a process of its own, with a pipe to its parent.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/process.php
use Swoole\Process;

$children = [];
foreach (['one', 'two', 'three'] as $n => $name) {
    $child = new Process(function (Process $self) use ($n, $name) {
        $work = $self->read();
        $self->write("$name got '$work' and is process " . ($self->pid === getmypid() ? 'its own' : 'another'));
        $self->exit($n);
    });
    $children[$child->start()] = $child;
}
foreach ($children as $child) {
    $child->write('some work');
    echo $child->read(), "\n";
}
// A child that has ended waits until its parent has asked for its end: else it stays as a zombie.
$codes = [];
while ($end = Process::wait()) {
    $codes[] = $end['code'];
}
sort($codes);
echo 'all have ended, with ', implode(' ', $codes), "\n";
