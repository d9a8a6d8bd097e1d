<?php
// Child processes: each runs a function, with a pipe to its parent.
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
// A child that has ended stays as a zombie until its parent waits for it.
$codes = [];
while ($end = Process::wait()) {
    $codes[] = $end['code'];
}
sort($codes);
echo 'all have ended, with ', implode(' ', $codes), "\n";
