--TEST--
Connecting to a Unix socket that nobody listens at fails in a coroutine as it does outside
--EXTENSIONS--
swoole
--FILE--
<?php
$path = sys_get_temp_dir() . '/nobody-' . getmypid();
$left = stream_socket_server("unix://$path");
fclose($left);   // The file stays.
$connect = function () use ($path) {
    $results = [];
    foreach (['unix:///none/sock', 'udg:///none/sock', "unix://$path"] as $address) {
        $stream = @stream_socket_client($address, $code, $text, 0.5);
        $results[] = [$stream === false, $code, $text];
    }
    $stream = @fsockopen('unix:///none/sock', -1, $code, $text, 1);
    $results[] = [$stream === false, $code, $text];
    return $results;
};
$expected = $connect();
Co\run(function () use ($connect, $expected) {
    $got = $connect();
    echo json_encode($got), "\n";
    var_dump($got === $expected);
});
unlink($path);
?>
--EXPECT--
[[true,2,"No such file or directory"],[true,2,"No such file or directory"],[true,111,"Connection refused"],[true,2,"No such file or directory"]]
bool(true)
