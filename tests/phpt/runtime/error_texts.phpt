--TEST--
The texts of system errors are those of the C library, in swoole_strerror and errMsg
--EXTENSIONS--
swoole
posix
--FILE--
<?php
$other = array_filter(range(0, 133), fn ($code) => swoole_strerror($code) !== posix_strerror($code));
echo count($other), " differ\n";
Co\run(function () {
    $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    $socket->close();
    var_dump($socket->recv(), $socket->errMsg);
});
?>
--EXPECT--
0 differ
bool(false)
string(19) "Bad file descriptor"
