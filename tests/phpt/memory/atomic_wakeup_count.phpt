--TEST--
Atomic::wakeup() lets as many waiting processes go on as it is asked for
--EXTENSIONS--
swoole
--FILE--
<?php
$gate = new Swoole\Atomic();
$waiting = new Swoole\Atomic();
$gone = new Swoole\Atomic();
for ($i = 0; $i < 3; $i++) {
    (new Swoole\Process(function () use ($gate, $waiting, $gone) {
        $waiting->add();
        $gone->add((int) $gate->wait(20));
    }))->start();
}
while ($waiting->get() < 3) usleep(1000);
usleep(200000);
$gate->wakeup(3);
for ($i = 0; $i < 3; $i++) Swoole\Process::wait();
echo $gone->get(), " went on\n";
?>
--EXPECT--
3 went on
