<?php
// A chat with rooms: a table that all workers share has the members, so a reload of the workers changes nothing.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/chat/server.php [port]
use Swoole\Http\{Request, Response};
use Swoole\{Lock, Table};
use Swoole\WebSocket\{Frame, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

/** Members by connection. Created before the workers, so that they share it and it outlives them. */
$people = new Table(1024);
$people->column('room', Table::TYPE_STRING, 128);
$people->column('name', Table::TYPE_STRING, 128);
$people->create();
/** Held while a name is claimed, so that no two workers assign it at once. */
$naming = new Lock(SWOOLE_MUTEX);

// In process mode connections outlive the workers too.
$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2, 'package_max_length' => 64 * 1024]);

$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port} in two windows, stop it with Ctrl+C, reload it with kill -USR1 {$server->master_pid}\n";
});

$server->on('request', function (Request $request, Response $response) {
    if ($request->server['request_uri'] !== '/') {
        $response->status(404);
        $response->end('there is one page: /');
        return;
    }
    $response->header('Content-Type', 'text/html; charset=utf-8');
    $response->header('X-Content-Type-Options', 'nosniff');
    $response->end(file_get_contents(__DIR__ . '/page.html'));
});

// A visitor sends {"join": room, "name": name} first, and then {"say": text}. Anything else is refused with a reason.
$server->on('message', function (Server $server, Frame $frame) use ($people) {
    $said = json_decode($frame->data, true);
    $why = match (true) {
        isset($said['join'], $said['name']) => join_room($server, $frame->fd, words($said['join'], 32), words($said['name'], 24)),
        !isset($said['say']) => 'that is neither join nor say',
        !$people->exists($frame->fd) => 'join a room first',
        default => say($server, $people->get($frame->fd), words($said['say'], 1000)),
    };
    $why === null || tell($server, [$frame->fd], ['refused' => $why]);
});

$server->on('close', fn (Server $server, int $fd) => leave($server, $fd));

$server->start();

/** Null, or the reason for a refusal. */
function join_room(Server $server, int $fd, string $room, string $name): ?string
{
    global $people, $naming;
    if ($room === '' || $name === '') {
        return 'a room and a name have letters';
    }
    leave($server, $fd);
    $naming->lock();
    $free = !in_array($name, in_room($server, $room), true);
    $taken = $free && $people->set($fd, ['room' => $room, 'name' => $name]);
    $naming->unlock();
    if (!$taken) {
        return $free ? 'the chat is full' : 'that name is taken';
    }
    tell_room($server, $room, ['note' => "$name is here"]);
    return null;
}

/** Null, or the reason for a refusal. */
function say(Server $server, array $who, string $text): ?string
{
    if ($text === '') {
        return 'that is nothing';
    }
    tell_room($server, $who['room'], ['from' => $who['name'], 'text' => $text]);
    return null;
}

function leave(Server $server, int $fd): void
{
    global $people;
    // Connections that only requested the page never joined.
    if ($who = $people->get($fd)) {
        $people->del($fd);
        tell_room($server, $who['room'], ['note' => "$who[name] is gone"]);
    }
}

/** Names by connection. */
function in_room(Server $server, string $room): array
{
    global $people;
    $names = [];
    foreach ($people as $fd => $who) {
        if ($who['room'] !== $room) {
            continue;
        }
        if ($server->isEstablished((int) $fd)) {
            $names[(int) $fd] = $who['name'];
        } else { // its worker was killed before the close event
            $people->del($fd);
        }
    }
    asort($names);
    return $names;
}

function tell_room(Server $server, string $room, array $what): void
{
    $names = in_room($server, $room);
    tell($server, array_keys($names), $what + ['room' => $room, 'names' => array_values($names)]);
}

function tell(Server $server, array $fds, array $what): void
{
    $text = json_encode($what, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);
    foreach ($fds as $fd) {
        $server->push($fd, $text);
    }
}

/** Text of limited length without control characters. The page shows it as text, never as HTML. */
function words(mixed $said, int $most): string
{
    $plain = is_string($said) ? preg_replace('~\p{C}+~u', ' ', $said) : '';
    preg_match("~^\s*(.{0,$most})~u", $plain, $found);
    return rtrim($found[1]);
}
