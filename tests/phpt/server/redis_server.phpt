--TEST--
A Redis server handles the commands of each connection one after the other, in both modes
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
use Swoole\Redis\Server;

function bulk(string ...$words): string
{
    return '*' . count($words) . "\r\n" . implode('', array_map(fn ($w) => '$' . strlen($w) . "\r\n$w\r\n", $words));
}

function redis(callable $setup, callable $client, int $mode): array
{
    $journal = new Journal();
    if (($pid = pcntl_fork()) === 0) {
        $server = new Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 2, 'log_level' => SWOOLE_LOG_ERROR]);
        $setup($server);
        $port = $server->port;
        if (($child = pcntl_fork()) === 0) {
            try {
                $client($port, $journal);
            } catch (Throwable $e) {
                $journal->record("client: $e");
            }
            posix_kill(posix_getppid(), SIGTERM);
            posix_kill(getmypid(), SIGKILL);
        }
        $server->start();
        posix_kill(getmypid(), SIGKILL);
    }
    pcntl_waitpid($pid, $status);
    return $journal->end();
}

final class Echoes
{
    public static function many(int $fd, array $words): void
    {
        self::$server->send($fd, Server::format(Server::INT, count($words)));
    }
    public static Server $server;
}

foreach (MODES as $name => $mode) {
    echo "$name\n";
    $journal = redis(function (Server $server) {
        Echoes::$server = $server;
        $server->setHandler('echo', fn ($fd, $words) => $server->send($fd, Server::format(Server::STRING, $words[0])));
        // Later commands of the connection would overtake it if they did not wait.
        $server->setHandler('SLOW', function ($fd, $words) use ($server) {
            Swoole\Coroutine::sleep(0.02);
            $server->send($fd, Server::format(Server::STATUS, "slow $words[0]"));
        });
        $server->setHandler('count', 'Echoes::many');
        var_dump(get_class($server->getHandler('COUNT')), $server->getHandler('none'));
        var_dump(@$server->setHandler('bad', 'no_such_function'));
        $server->setHandler('LATER', function ($fd) use ($server) {
            $server->setHandler('NEW', fn ($fd) => $server->send($fd, Server::format(Server::STATUS, 'new')));
            $server->setHandler('ECHO', fn ($fd) => $server->send($fd, Server::format(Server::STATUS, 'another')));
            $server->send($fd, Server::format(Server::STATUS, 'OK'));
        });
    }, function (int $port, Journal $journal) {
        $c = connect($port);
        fwrite($c, bulk('SLOW', '1') . bulk('echo', 'two') . bulk('slow', '3') . "ECHO four\r\n\r\n" . bulk('NOPE' . "\r\n+x"));
        $journal->record(json_encode(read_all($c, 8 + 1 + 9 + 9 + 10 + 33)));
        // Other connections do not wait for it.
        [$a, $b] = [connect($port), connect($port)];
        fwrite($a, bulk('SLOW', 'a'));
        $journal->record(json_encode(ask($b, bulk('ECHO', 'b'))));
        $journal->record(json_encode(fread($a, 100)));
        // Far more than the queue holds.
        $many = '';
        for ($i = 0; $i < 3000; $i++) $many .= bulk('ECHO', sprintf('%04d', $i));
        fwrite($c, bulk('SLOW', 'x'));
        if (pcntl_fork() === 0) {
            fwrite($c, $many);
            posix_kill(getmypid(), SIGKILL);
        }
        $all = read_all($c, 9 + 3000 * 10);
        $good = substr($all, 0, 9) === "+slow x\r\n" && strlen($all) === 9 + 30000;
        for ($i = 0; $i < 3000; $i++) $good = $good && substr($all, 9 + 10 * $i, 10) === sprintf("$4\r\n%04d\r\n", $i);
        $journal->record('all in order: ' . var_export($good, true));
        $journal->record(json_encode(ask($c, bulk('COUNT', ...array_fill(0, 500, 'x')))));
        // A protocol violation closes only its own connection.
        $bad = connect($port);
        $journal->record(json_encode(ask($bad, "*0\r\n*1\r\n:5\r\n")) . (fread($bad, 1) === '' && feof($bad) ? ' closed' : ' open'));
        // A client disconnects while its commands wait.
        $gone = connect($port);
        fwrite($gone, bulk('SLOW', 'g') . bulk('ECHO', 'never'));
        fclose($gone);
        $journal->record(json_encode(ask($c, bulk('LATER'))));
        $journal->record(json_encode(ask($c, bulk('NEW')) . ask($c, bulk('ECHO', 'x'))));
    }, $mode);
    echo implode("\n", $journal), "\n";
}
?>
--EXPECT--
process
string(7) "Closure"
NULL
bool(false)
"+slow 1\r\n$3\r\ntwo\r\n+slow 3\r\n$4\r\nfour\r\n-ERR unknown command 'NOPE  +x'\r\n"
"$1\r\nb\r\n"
"+slow a\r\n"
all in order: true
":500\r\n"
"-ERR Protocol error: expected '$'\r\n" closed
"+OK\r\n"
"+new\r\n+another\r\n"
base
string(7) "Closure"
NULL
bool(false)
"+slow 1\r\n$3\r\ntwo\r\n+slow 3\r\n$4\r\nfour\r\n-ERR unknown command 'NOPE  +x'\r\n"
"$1\r\nb\r\n"
"+slow a\r\n"
all in order: true
":500\r\n"
"-ERR Protocol error: expected '$'\r\n" closed
"+OK\r\n"
"+new\r\n+another\r\n"
