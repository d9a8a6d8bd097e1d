--TEST--
Atomic wraps around at 32 bits, Atomic\Long has 64 bits, and both are shared with children
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
$a = new Swoole\Atomic(-1);
var_dump($a->get(), $a->add(2), $a->sub(3), $a->cmpset(4294967294, 7), $a->get());
$l = new Swoole\Atomic\Long(PHP_INT_MAX);
var_dump($l->add(1) === PHP_INT_MIN, $l->sub() === PHP_INT_MAX);
if (pcntl_fork() === 0) {
    $a->set(8);
    $l->set(-9);
    exit;
}
pcntl_wait($status);
var_dump($a->get(), $l->get());
class Mine extends Swoole\Atomic
{
    public function __construct()
    {
    }
}
var_dump((new Mine())->add());
foreach ([fn () => clone $a, fn () => serialize($a), fn () => $a->set('x'), fn () => new Swoole\Atomic(1, 2)] as $f) {
    try {
        $f();
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
int(4294967295)
int(1)
int(4294967294)
bool(true)
int(7)
bool(true)
bool(true)
int(8)
int(-9)
int(1)
Error: Trying to clone an uncloneable object of class Swoole\Atomic
Exception: Serialization of 'Swoole\Atomic' is not allowed
TypeError: Swoole\Atomic::set(): Argument #1 ($value) must be of type int, string given
ArgumentCountError: Swoole\Atomic::__construct() expects at most 1 argument, 2 given
