--TEST--
A coroutine that is created under an @ reports errors as the program does, and so do its children
--EXTENSIONS--
swoole
--FILE--
<?php
error_reporting(E_ALL);
function start_job(): void {
    go(function () {
        echo error_reporting() === E_ALL ? 'E_ALL' : error_reporting(), $a, "\n";
        go(function () { Co::sleep(0.001); echo error_reporting() === E_ALL ? 'E_ALL' : error_reporting(), $b, "\n"; });
    });
}
Co\run(function () {
    @start_job();
    Co::sleep(0.002);
    error_reporting(E_ALL & ~E_WARNING);
    go(function () { echo error_reporting() === (E_ALL & ~E_WARNING) ? "without warnings$c\n" : error_reporting(); });
});
?>
--EXPECTF--
E_ALL
Warning: Undefined variable $a in %s on line %d

E_ALL
Warning: Undefined variable $b in %s on line %d

without warnings
