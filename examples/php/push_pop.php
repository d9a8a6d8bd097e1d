<?php
// Work for the next free process: a message queue that three children consume.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/push_pop.php
use Swoole\Process;

$work = function (Process $self) {
    for ($done = 0; ($job = $self->pop()) !== 'end'; $done++) {
        usleep(strlen($job) * 100);
    }
    $self->write((string) $done);
};
$children = [];
for ($n = 0; $n < 3; $n++) {
    $child = new Process($work);
    // Equal keys name one queue; mode 2: each message goes to the first consumer that asks.
    $child->useQueue(0x53770000 + getmypid() % 65536, 2);
    $child->start();
    $children[] = $child;
}
for ($job = 0; $job < 30; $job++) {
    $child->push("job number $job");
}
for ($n = 0; $n < 3; $n++) {
    $child->push('end');
}
$done = array_map(fn ($child) => (int) $child->read(), $children);
while (Process::wait());
echo array_sum($done), ' jobs were done; left in the queue: ', $child->statQueue()['queue_num'], "\n";
$child->freeQueue(); // queues outlive their programs
