<?php
// A parent that keeps its children alive: one that ends is replaced, one that dies at once is replaced with a delay.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/process_monitor.php
use Swoole\Process;

$runs = new Swoole\Atomic();
$start = function (int $id) use ($runs, &$children) {
    $child = new Process(function () use ($id, $runs) {
        if ($runs->add() > 5) {
            sleep(60); // stays alive
        }
        exit($id + 1);
    }, false, 0);
    $children[$child->start()] = ['id' => $id, 'since' => microtime(true)];
};
$children = [];
$start(0);
$start(1);
while ($runs->get() < 7) {
    $end = Process::wait(false);
    if (!$end) {
        usleep(2000);
        continue;
    }
    ['id' => $id, 'since' => $since] = $children[$end['pid']];
    unset($children[$end['pid']]);
    echo "child $id ended with {$end['code']}, and is replaced\n";
    microtime(true) - $since < 1 && usleep(10000);
    $start($id);
}
foreach ($children as $pid => $_) {
    Process::kill($pid);
}
while (Process::wait());
echo 'children left: ', json_encode(Process::wait(false)), "\n";
