--TEST--
Example protocol.php frames messages by separator and by length, however the bytes arrive
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('protocol');
$text = $server->connect(0);
foreach (["hello\r", "\n", "one\r\ntwo\r\n", "\r\n"] as $part) {
    fwrite($text->stream, $part);
    usleep(10_000); // parts that arrive separately
}
echo json_encode([$text->next(), $text->next(), $text->next(), $text->next()]), "\n";
$binary = $server->connect(1);
$message = fn (string $body) => pack('N', strlen($body)) . $body;
foreach (["\0\0", "\0\5hel", 'lo', $message('one') . $message("with \r\n in it")] as $part) {
    fwrite($binary->stream, $part);
    usleep(10_000);
}
for ($n = 0; $n < 3; $n++) {
    $length = unpack('N', $binary->bytes(4))[1];
    echo $length, ' ', json_encode($binary->bytes($length)), "\n";
}
fwrite($binary->stream, "\xff\xff\xff\xff");
echo 'too long: closed ', json_encode($binary->next() === false), "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
["HELLO","ONE","TWO",""]
5 "olleh"
3 "eno"
13 "ti ni \n\r htiw"
too long: closed true
status 0
