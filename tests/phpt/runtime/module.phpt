--TEST--
The module has all constants, settings and classes with their reflection
--EXTENSIONS--
swoole
--FILE--
<?php
var_dump(phpversion('swoole'), SWOOLE_VERSION_ID, SWOOLE_TIMER_MAX_MS === PHP_INT_MAX, SWOOLE_ERROR_SESSION_NOT_EXIST);
var_dump(ini_get('swoole.socket_buffer_size'), ini_set('swoole.display_errors', 'Off'));
echo new ReflectionMethod('Swoole\Timer', 'tick');
echo new ReflectionFunction('swoole_event_add');
foreach (['Exception' => Exception::class, 'Error' => Error::class, 'ExitException' => 'Swoole\Exception'] as $class => $parent) {
    var_dump(get_parent_class("Swoole\\$class") === $parent);
}
var_dump(get_class(new swoole_atomic_long()), class_exists('swoole_timer'));
class MyException extends Swoole\Exception
{
}
try {
    throw new MyException('mine', 3);
} catch (Swoole\Exception $e) {
    var_dump($e->getMessage(), $e->getCode());
}
$exit = (new ReflectionClass('Swoole\ExitException'))->newInstance('x');
var_dump($exit->getFlags(), $exit->getStatus());
?>
--EXPECTF--
string(5) "6.2.1"
int(60201)
bool(true)
int(1005)
string(7) "8388608"
string(2) "On"
Method [ <internal:swoole> static public method tick ] {

  - Parameters [3] {
    Parameter #0 [ <required> int $ms ]
    Parameter #1 [ <required> callable $callback ]
    Parameter #2 [ <optional> mixed ...$params ]
  }
  - Return [ int|false ]
}
Function [ <internal:swoole> function swoole_event_add ] {

  - Parameters [4] {
    Parameter #0 [ <required> mixed $fd ]
    Parameter #1 [ <optional> ?callable $read_callback = null ]
    Parameter #2 [ <optional> ?callable $write_callback = null ]
    Parameter #3 [ <optional> int $events = SWOOLE_EVENT_READ ]
  }
  - Return [ int|false ]
}
bool(true)
bool(true)
bool(true)
string(18) "Swoole\Atomic\Long"
bool(true)
string(4) "mine"
int(3)
int(0)
int(0)
