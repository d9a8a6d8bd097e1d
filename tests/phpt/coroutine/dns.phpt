--TEST--
Host names are resolved by the hosts file and a configured name server, with cache, timeouts and missing names
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\System;

/** A name server (RFC 1035): answers A and AAAA; PTR, MX and TXT by their bytes; records its queries. */
class NameServer
{
    public array $asked = [];
    public string $address;
    private Co\Socket $socket;

    public function __construct(private array $names)
    {
        $this->socket = new Co\Socket(AF_INET, SOCK_DGRAM, 0);
        $this->socket->bind('127.0.0.1', 0);
        $this->address = '127.0.0.1:' . $this->socket->getsockname()['port'];
        go(function () {
            while (($question = $this->socket->recvfrom($peer)) !== false && $question !== '') {
                $answer = $this->answer($question);
                $answer && $this->socket->sendto($peer['address'], $peer['port'], $answer);
            }
        });
    }

    public function close(): void
    {
        $this->socket->close();
    }

    private function answer(string $question): ?string
    {
        for ($at = 12, $labels = []; $length = ord($question[$at]); $at += $length + 1) {
            $labels[] = substr($question, $at + 1, $length);
        }
        $name = strtolower(implode('.', $labels));
        $type = unpack('n', $question, $at + 1)[1];
        $this->asked[] = "$name $type";
        if (($this->names[$name] ?? null) === 'silence') {
            return null;
        }
        $records = '';
        $count = 0;
        foreach ((array) ($this->names[$name] ?? []) as $kind => $data) {
            $packed = is_string($kind) ? $data : inet_pton($data);
            if ($type === match ($kind) { 'PTR' => 12, 'MX' => 15, 'TXT' => 16, default => strlen($packed) === 4 ? 1 : 28 }) {
                $records .= "\xC0\x0C" . pack('nnNn', $type, 1, 300, strlen($packed)) . $packed;
                $count++;
            }
        }
        $code = isset($this->names[$name]) ? 0 : 3;
        return substr($question, 0, 2) . pack('nnnnn', 0x8180 | $code, 1, $count, 0, 0) . substr($question, 12, $at + 5 - 12) . $records;
    }
}

function show(string $what, mixed $result): void
{
    echo "$what: ", json_encode($result), $result === false ? ' ' . swoole_last_error() : '', "\n";
}

Co\run(function () {
    $server = new NameServer(['one.test' => ['10.0.0.1', '10.0.0.2', 'fd00::1'], 'slow.test' => 'silence', 'here.test' => '127.0.0.1', 'six.test' => 'fd00::6', '7.2.0.192.in-addr.arpa' => ['PTR' => "\3way\4back\4test\0"], 'mail.test' => ['MX' => "\0\x0A\4post\4test\0", 'TXT' => "\3two\5texts"]]);
    Co::set(['dns_server' => $server->address]);
    show('hosts file', System::gethostbyname('localhost'));
    show('an address', [System::gethostbyname('10.1.2.3'), System::gethostbyname('fd00::7', AF_INET6), System::gethostbyname('10.1.2.3', AF_INET6)]);
    show('nobody asked', $server->asked);
    show('a name', System::gethostbyname('one.test'));
    show('again', [System::gethostbyname('one.test'), System::dnsLookup('one.test'), swoole_async_dns_lookup_coro('one.test')]);
    show('asked once', $server->asked);
    show('all of it', System::getaddrinfo('one.test'));
    show('IPv6', System::gethostbyname('one.test', AF_INET6));
    show('not of that family', System::gethostbyname('six.test'));
    swoole_clear_dns_cache();
    $server->asked = [];
    show('forgotten', System::gethostbyname('one.test'));
    show('asked again', $server->asked);
    show('not there', System::gethostbyname('none.test'));
    show('of addresses', [swoole_gethostbyaddr('192.0.2.7'), swoole_gethostbyaddr('192.0.2.8')]);

    // A server that does not answer delays no other coroutine, and its query ends with the timeout.
    $begin = microtime(true);
    $others = 0;
    $ticker = go(function () use (&$others) { while (Co::sleep(0.001)) $others++; });
    show('no answer', System::gethostbyname('slow.test', AF_INET, 0.1));
    Co::set(['socket_dns_timeout' => 0.1]);
    show('no answer, by setting', System::gethostbyname('slow.test'));
    Co::set(['socket_dns_timeout' => 60]);
    Co::cancel($ticker);
    echo microtime(true) - $begin < 3 ? 'in time' : 'late', $others > 0 ? ', others ran' : ', others waited', "\n";
    $who = go(fn () => show('cancelled', System::gethostbyname('slow.test')));
    Co::cancel($who);

    // The cache respects its configured lifetime and size.
    Co::set(['dns_cache_expire' => 0]);
    $server->asked = [];
    System::gethostbyname('one.test');
    System::gethostbyname('one.test');
    show('never young enough', count($server->asked));
    swoole_clear_dns_cache();
    Co::set(['dns_cache_expire' => 60, 'dns_cache_capacity' => 1]);
    $server->asked = [];
    foreach (['one.test', 'here.test', 'one.test', 'here.test'] as $name) {
        System::gethostbyname($name);
    }
    show('room for one', $server->asked);

    // All kinds of clients that connect to a name.
    Swoole\Runtime::enableCoroutine();
    $l = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    $l->bind('127.0.0.1', 0);
    $l->listen();
    $port = $l->getsockname()['port'];
    go(function () use ($l) { while ($c = $l->accept()) { $c->sendAll('welcome'); $c->close(); } });
    $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    show('socket', [$socket->connect('here.test', $port), $socket->recv()]);
    $client = new Co\Client(SWOOLE_SOCK_TCP);
    show('client', [$client->connect('here.test', $port), $client->recv()]);
    show('stream', stream_get_contents(stream_socket_client("tcp://here.test:$port")));
    show('stream to nowhere', @stream_socket_client("tcp://none.test:$port", $code, $text));
    echo "$code $text\n", error_get_last()['message'], "\n";
    show('PHP itself', [gethostbyname('here.test'), gethostbyname('none.test'), gethostbynamel('one.test')]);
    $l->close();
    show('records', swoole_dns_get_record('mail.test', DNS_MX | DNS_TXT));
    show('mail', [swoole_dns_get_mx('mail.test', $hosts, $weights), $hosts, $weights]);
    show('is there', [swoole_checkdnsrr('mail.test'), swoole_dns_check_record('mail.test', 'TXT'), swoole_dns_check_record('none.test', 'A')]);
    show('PHP itself', [dns_get_record('one.test', DNS_A), checkdnsrr('mail.test', 'MX'), getmxrr('mail.test', $hosts), $hosts, dns_get_record('none.test', DNS_A)]);
    show('always an array', swoole_real_dns_get_record('none.test', DNS_A));

    // Another server gives another answer, once the cache is empty.
    $second = new NameServer(['one.test' => '10.9.9.9']);
    Co::set(['dns_server' => $second->address]);
    swoole_clear_dns_cache();
    show('another server', System::gethostbyname('one.test'));
    Co::set(['dns_server' => 'nonsense']);
    swoole_clear_dns_cache();
    show('no server', System::gethostbyname('one.test'));
    $second->close();
    $server->close();
});

// A child of this process sends its own queries.
if (pcntl_fork() === 0) {
    Co\run(function () {
        $server = new NameServer(['one.test' => '10.1.1.1']);
        swoole_clear_dns_cache();
        Co::set(['dns_server' => $server->address]);
        show('child', System::gethostbyname('one.test'));
        $server->close();
    });
    exit;
}
pcntl_wait($status);
?>
--EXPECTF--
hosts file: "127.0.0.1"
an address: ["10.1.2.3","fd00::7",false]
nobody asked: []
a name: "10.0.0.1"
again: ["10.0.0.1","10.0.0.1","10.0.0.1"]
asked once: ["one.test 1"]
all of it: ["10.0.0.1","10.0.0.2"]
IPv6: "fd00::1"
not of that family: false 711
forgotten: "10.0.0.1"
asked again: ["one.test 1"]
not there: false 711
of addresses: ["way.back.test","192.0.2.8"]
no answer: false 712
no answer, by setting: false 712
in time, others ran
cancelled: false 10017
never young enough: 2
room for one: ["one.test 1","here.test 1","here.test 1"]
socket: [true,"welcome"]
client: [true,"welcome"]
stream: "welcome"
stream to nowhere: false %d
0 php_network_getaddresses: getaddrinfo for none.test failed: Name or service not known
stream_socket_client(): Unable to connect to tcp://none.test:%d (php_network_getaddresses: getaddrinfo for none.test failed: Name or service not known)
PHP itself: ["127.0.0.1","none.test",["10.0.0.1","10.0.0.2"]]
records: [{"host":"mail.test","class":"IN","ttl":300,"type":"MX","pri":10,"target":"post.test"},{"host":"mail.test","class":"IN","ttl":300,"type":"TXT","txt":"twotexts","entries":["two","texts"]}]
mail: [true,["post.test"],[10]]
is there: [true,true,false]
PHP itself: [[{"host":"one.test","class":"IN","ttl":300,"type":"A","ip":"10.0.0.1"},{"host":"one.test","class":"IN","ttl":300,"type":"A","ip":"10.0.0.2"}],true,true,["post.test"],false]
always an array: []
another server: "10.9.9.9"
%sstart a DNS lookup: dns_server "nonsense" is not an IP address
no server: false 711
child: "10.1.1.1"
