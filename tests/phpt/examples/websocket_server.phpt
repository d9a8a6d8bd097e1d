--TEST--
Example websocket_server.php serves the page and passes messages between two visitors
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
$server = Example::start('websocket_server');
$port = $server->ports[0];
[$status, , $page] = http_ask('GET / HTTP/1.1');
echo $status, ' ', str_contains($page, 'new WebSocket(') ? 'page' : '-', "\n";
$one = ws_open('/chat');
preg_match('~visitor (\d+) is here~', ws_read($one)[1], $first);
$two = ws_open('/chat');
preg_match('~visitor (\d+) is here~', ws_read($two)[1], $second);
$named = fn (?array $frame) => strtr($frame[1] ?? 'closed', [" $first[1]" => ' one', " $second[1]" => ' two']) . "\n";
echo $named(ws_read($one));
fwrite($one, ws_frame("hello, caf\u{e9}"));
echo $named(ws_read($one)), $named(ws_read($two));
fwrite($two, ws_frame(pack('n', 1000), 8));
echo bin2hex(ws_read($two)[1]), ' ', $named(ws_read($two));
echo $named(ws_read($one));
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
HTTP/1.1 200 OK page
visitor two is here
visitor one: hello, café
visitor one: hello, café
03e8 closed
visitor two is gone
status 0
