--TEST--
swoole_mail speaks SMTP in a coroutine, escapes dots and refuses line breaks in fields
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
set_error_handler(fn ($no, $text) => print("warning: $text\n"));
Co\run(function () {
    $server = new Co\Server('127.0.0.1', 0);
    $server->set(['open_eof_split' => true, 'package_eof' => "\r\n"]);
    $server->handle(function (Co\Server\Connection $connection) use (&$got) {
        $got = '';
        $connection->send("220-hello\r\n220 there\r\n");
        while (($line = $connection->recv()) !== '' && $line !== false) {
            $got .= $line;
            if ($line === "DATA\r\n") {
                $connection->send("354 go\r\n");
                while (($line = $connection->recv()) !== ".\r\n") {
                    $got .= $line;
                }
                $connection->send("250 kept\r\n");
            } else {
                $connection->send(str_contains($line, 'nobody') ? "550 no such user\r\n" : "250 ok\r\n");
            }
        }
    });
    go(fn () => $server->start());
    swoole_library_set_option('mail', ['host' => '127.0.0.1', 'port' => $server->port, 'from' => 'me@test', 'user' => 'u', 'password' => 'p']);
    var_dump(swoole_mail('Ann <ann@test>, bob@test', 'Größe', "one\n.two\n", ['X-Own' => 'y']));
    echo implode("\n", preg_grep('/^(AUTH|MAIL|RCPT|X-Own|Subject|\.\.two|To)/', explode("\r\n", $got))), "\n";
    var_dump(swoole_mail('nobody@test', 's', 'm'));
    var_dump(swoole_mail("ann@test\r\nBcc: all@test", 's', 'm'));
    $server->shutdown();
});
?>
--EXPECT--
bool(true)
AUTH PLAIN AHUAcA==
MAIL FROM:<me@test>
RCPT TO:<ann@test>
RCPT TO:<bob@test>
X-Own: y
To: Ann <ann@test>, bob@test
Subject: =?UTF-8?B?R3LDtsOfZQ==?=
..two
warning: the mail was not sent: 550 no such user
bool(false)
warning: a field of a mail must not have a line break
bool(false)
