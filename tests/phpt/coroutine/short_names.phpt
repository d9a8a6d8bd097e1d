--TEST--
Short names exist unless swoole.use_shortname disables them
--EXTENSIONS--
swoole
--INI--
swoole.use_shortname=Off
--FILE--
<?php
var_dump(class_exists('Co'), class_exists('chan'), function_exists('go'), function_exists('Co\run'), function_exists('Swoole\Coroutine\go'));
?>
--EXPECT--
bool(false)
bool(false)
bool(false)
bool(false)
bool(true)
