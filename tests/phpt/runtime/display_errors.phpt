--TEST--
swoole.display_errors=off hides the extension's warnings and keeps the error code and PHP's own warnings
--EXTENSIONS--
swoole
--INI--
swoole.display_errors=off
--FILE--
<?php
var_dump(Swoole\Event::del(-1), swoole_last_error());
ini_set('swoole.display_errors', 'on');
var_dump(Swoole\Event::del(-1));
ini_set('swoole.display_errors', 'off');
echo $undefined;
?>
--EXPECTF--
bool(false)
int(503)

Warning: Swoole\Event::del(): the argument is not a descriptor, stream or socket in %s on line %d
bool(false)

Warning: Undefined variable $undefined in %s on line %d
