--TEST--
NameResolver supports clusters, contexts and filters; clients and streams follow it; Consul and Nacos work
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\{Client, Server};
use Swoole\NameResolver;
use Swoole\NameResolver\{Cluster, Consul, Context, Nacos};

/** Resolves the given names, and counts its calls. */
final class Known extends NameResolver
{
    public int $asked = 0;

    public function __construct(public array $services)
    {
    }

    public function join(string $name, string $ip, int $port, array $options = []): bool
    {
        return (bool) $this->services[$name][] = [$ip, $port];
    }

    public function leave(string $name, string $ip, int $port): bool
    {
        return false;
    }

    public function getCluster(string $name): ?Cluster
    {
        $this->asked++;
        if (!isset($this->services[$name])) {
            return null;
        }
        $cluster = new Cluster();
        foreach ($this->services[$name] as $node) {
            $cluster->add(...$node);
        }
        return $cluster;
    }
}

function thrown(callable $what): void
{
    try {
        $what();
        echo "nothing thrown\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}

echo "-- cluster\n";
$cluster = new Cluster();
var_dump($cluster->pop(), $cluster->count());
$cluster->add('127.0.0.1', 1, 0);
$cluster->add('127.0.0.2', 2);
$cluster->add('::1', 3, 50);
foreach ([['host.test', 1], ['127.0.0.1', 0], ['127.0.0.1', 1, -1]] as $bad) {
    thrown(fn () => $cluster->add(...$bad));
}
$got = [$cluster->pop(), $cluster->pop(), $cluster->pop()];
echo json_encode($got[2]), ' ', $cluster->count(), ' ', json_encode($cluster->pop()), "\n";
$heavy = 0;
for ($i = 0; $i < 500; $i++) {
    $cluster = new Cluster();
    $cluster->add('10.0.0.1', 1, 90);
    $cluster->add('10.0.0.2', 1, 10);
    $heavy += $cluster->pop()['host'] === '10.0.0.1';
}
var_dump($heavy > 350 && $heavy < 500);

echo "-- lookup\n";
$known = new Known(['a' => [['127.0.0.1', 11], ['127.0.0.1', 12], ['::1', 13]], 'localhost.test' => []]);
var_dump(swoole_name_resolver_lookup('127.0.0.9', new Context()));
var_dump(swoole_name_resolver_add($known), $known->hasFilter(), $known->getFilter());
var_dump(swoole_name_resolver_lookup('a', new Context()), swoole_name_resolver_lookup('a', new Context(AF_INET6, true)));
$context = new Context(AF_INET, true);
$all = [];
for ($i = 0; $i < 4; $i++) {
    $all[] = swoole_name_resolver_lookup('a', $context);
}
sort($all);
echo implode(' ', $all), ', asked ', $known->asked, "\n";
var_dump(swoole_name_resolver_lookup('localhost', new Context()));
$filter = fn (string $name): bool => $name !== 'a';
var_dump($known->withFilter($filter) === $known, $known->hasFilter(), $known->getFilter() === $filter, $known->lookup('a'), $known->lookup('b'));
var_dump(swoole_name_resolver_remove($known), swoole_name_resolver_remove($known));
thrown(fn () => new Consul('nowhere'));

Co\run(function () {
    echo "-- clients\n";
    $servers = [];
    foreach (['one', 'two'] as $name) {
        $servers[$name] = $server = new Server('127.0.0.1');
        $server->handle('/', fn ($request, $response) => $response->end("$name for {$request->header['host']}"));
        go(fn () => $server->start());
    }
    $dead = stream_socket_server('tcp://127.0.0.1:0');
    $closed = (int) substr(strrchr(stream_socket_get_name($dead, false), ':'), 1);
    fclose($dead);
    $known = new Known([
        'one.service' => [['127.0.0.1', $servers['one']->port]],
        'both.service' => [['127.0.0.1', $closed], ['127.0.0.1', $servers['one']->port], ['127.0.0.1', $servers['two']->port]],
        'none.service' => [['127.0.0.1', $closed]],
    ]);
    Co::set(['name_resolver' => [$known]]);
    $client = new Client('one.service');
    var_dump($client->get('/'), $client->body);
    $seen = [];
    for ($i = 0; $i < 40; $i++) {
        $client = new Client('both.service');
        $client->get('/') && $seen[strtok($client->body, ' ')] = true;
    }
    ksort($seen);
    echo implode(' and ', array_keys($seen)), "\n";
    // Every node is tried, for every kind of client.
    $tries = ['socket' => 0, 'stream' => 0, 'http' => 0, 'client' => 0];
    for ($i = 0; $i < 20; $i++) {
        $socket = new Co\Socket(AF_INET, SOCK_STREAM);
        $tries['socket'] += $socket->connect('both.service', 80, 5) && $socket->sendAll("GET / HTTP/1.0\r\nHost: a\r\n\r\n") && str_contains($socket->recvAll(1000, 5), ' 200 ');
        $stream = stream_socket_client('tcp://both.service:80', $errno, $error, 5);
        $tries['stream'] += $stream && $errno === 0 && $error === '' && fwrite($stream, "GET / HTTP/1.0\r\nHost: a\r\n\r\n") && str_contains(stream_get_contents($stream), ' 200 ');
        $tries['http'] += strlen(file_get_contents('http://both.service/')) === strlen('one for both.service');
        $tries['client'] += (new Co\Client(SWOOLE_SOCK_TCP))->connect('both.service', 80, 5);
    }
    echo json_encode($tries), "\n";
    $socket = new Co\Socket(AF_INET, SOCK_STREAM);
    var_dump($socket->connect('none.service', 80, 5), $socket->errCode === SOCKET_ECONNREFUSED);
    var_dump(@stream_socket_client('tcp://none.service:80', $errno, $error, 5), $errno === SOCKET_ECONNREFUSED, $error);
    // A node that does not answer uses up its timeout, and then the next one is tried.
    $full = stream_socket_server('tcp://127.0.0.1:0', $errno, $error, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, stream_context_create(['socket' => ['backlog' => 0]]));
    $filled = [];
    do {
        $filled[] = $last = new Co\Socket(AF_INET, SOCK_STREAM);
    } while ($last->connect('127.0.0.1', (int) substr(strrchr(stream_socket_get_name($full, false), ':'), 1), 0.3));
    $known->services['slow.service'] = [['127.0.0.1', (int) substr(strrchr(stream_socket_get_name($full, false), ':'), 1), 1000000], ['127.0.0.1', $servers['one']->port, 0]];
    $socket = new Co\Socket(AF_INET, SOCK_STREAM);
    var_dump($socket->connect('slow.service', 80, 0.2), $socket->getpeername()['port'] === $servers['one']->port);
    $stream = stream_socket_client('tcp://slow.service:80', $errno, $error, 0.2);
    var_dump(stream_socket_get_name($stream, true) === "127.0.0.1:{$servers['one']->port}");
    $socket = new Co\Socket(AF_INET, SOCK_STREAM);
    go(fn () => Co::sleep(0.02) && $socket->cancel(SWOOLE_EVENT_WRITE));
    var_dump($socket->connect('slow.service', 80, 5), $socket->errCode === SOCKET_ECANCELED);
    $client = new Client('none.service');
    var_dump($client->get('/'), $client->errCode === SOCKET_ECONNREFUSED);
    $client = new Co\Client(SWOOLE_SOCK_TCP);
    var_dump($client->connect('one.service', 80, 5), $client->getpeername()['port'] === $servers['one']->port);
    $socket = new Co\Socket(AF_INET, SOCK_STREAM);
    var_dump($socket->connect('one.service', 80, 5), $socket->getpeername()['port'] === $servers['one']->port);
    var_dump(file_get_contents('http://one.service/'));
    var_dump(Co\Http\get('http://one.service/')->getBody());

    // A resolver that connects by name does not call itself.
    $calling = new class ([]) extends NameResolver {
        public function __construct(public array $said) {}
        public function join(string $name, string $ip, int $port, array $options = []): bool { return true; }
        public function leave(string $name, string $ip, int $port): bool { return true; }
        public function getCluster(string $name): ?Cluster { return null; }
        public function lookup(string $name)
        {
            $this->said[] = $name . ' by ' . strtok(Co\Http\get("http://localhost:{$GLOBALS['port']}/")->getBody(), ' ');
            return "127.0.0.1:{$GLOBALS['port']}";
        }
    };
    $GLOBALS['port'] = $servers['two']->port;
    Co::set(['name_resolver' => [$calling]]);
    var_dump(Co\Http\get('http://anything.service/')->getBody(), $calling->said);
    $calling = new class ([]) extends NameResolver {
        public function __construct(public array $said) {}
        public function join(string $name, string $ip, int $port, array $options = []): bool { return true; }
        public function leave(string $name, string $ip, int $port): bool { return true; }
        public function getCluster(string $name): ?Cluster { throw new LogicException('no cluster'); }
    };
    Co::set(['name_resolver' => [$calling]]);
    thrown(fn () => (new Client('thrown.service'))->get('/'));
    Co::set(['name_resolver' => []]);

    echo "-- Consul\n";
    $registry = new Server('127.0.0.1');
    $services = [];
    $asked = [];
    $registry->handle('/v1/agent/service/register', function ($request, $response) use (&$services, &$asked) {
        $wanted = json_decode($request->rawContent(), true);
        $asked[] = [$request->server['request_method'], $wanted];
        $services[$wanted['ID']] = $wanted;
        $response->end();
    });
    $registry->handle('/v1/agent/service/deregister/', function ($request, $response) use (&$services) {
        $id = rawurldecode(basename($request->server['request_uri']));
        isset($services[$id]) || $response->status(404);
        unset($services[$id]);
        $response->end('Unknown service ID');
    });
    $registry->handle('/v1/agent/service/maintenance/', function ($request, $response) use (&$services) {
        $services[rawurldecode(basename($request->server['request_uri']))]['Ill'] = $request->get['enable'] === 'true';
        $response->end();
    });
    $registry->handle('/v1/health/service/', function ($request, $response) use (&$services) {
        $name = rawurldecode(basename($request->server['request_uri']));
        $fit = array_filter($services, fn ($one) => $one['Name'] === $name && empty($one['Ill']) && $request->get['passing'] === 'true');
        $response->end(json_encode(array_map(fn ($one) => ['Node' => ['Address' => '127.0.0.99'], 'Service' => $one], array_values($fit))));
    });
    go(fn () => $registry->start());
    $consul = new Consul("http://127.0.0.1:$registry->port/");
    var_dump($consul->join('user', '127.0.0.1', $servers['one']->port, ['weight' => 7, 'Tags' => ['blue']]), $consul->join('user', '127.0.0.1', 9));
    [$method, $wanted] = $asked[0];
    echo $method, ' ', str_replace($servers['one']->port, 'PORT', json_encode($wanted, JSON_UNESCAPED_SLASHES)), "\n";
    var_dump($consul->getCluster('user')->count(), $consul->getCluster('nobody'));
    var_dump($consul->enableMaintenanceMode('user', '127.0.0.1', 9));
    $left = $consul->getCluster('user');
    echo $left->count(), ' of weight ', $left->pop()['weight'], "\n";
    Co::set(['name_resolver' => [$consul]]);
    var_dump(Co\Http\get('http://user/')->getBody());
    Co::set(['name_resolver' => []]);
    var_dump($consul->leave('user', '127.0.0.1', 9));
    thrown(fn () => $consul->leave('user', '127.0.0.1', 9));

    echo "-- Nacos\n";
    $nacos = new Server('127.0.0.1');
    $instances = [];
    $nacos->handle('/nacos/v1/ns/instance', function ($request, $response) use (&$instances) {
        $key = "{$request->get['ip']}:{$request->get['port']}";
        if ($request->server['request_method'] === 'POST') {
            $instances[$key] = $request->get + ['healthy' => true, 'enabled' => true];
        } else {
            unset($instances[$key]);
        }
        $response->end('ok');
    });
    $nacos->handle('/nacos/v1/ns/instance/list', function ($request, $response) use (&$instances) {
        $fit = array_filter($instances, fn ($one) => $one['serviceName'] === $request->get['serviceName']);
        $response->end(json_encode(['hosts' => array_values($fit)]));
    });
    go(fn () => $nacos->start());
    $resolver = new Nacos("http://127.0.0.1:$nacos->port", 'prefix_');
    var_dump($resolver->join('shop', '127.0.0.1', $servers['two']->port, ['weight' => 0.5]), $resolver->join('shop', '127.0.0.1', 8, ['enabled' => 0]));
    echo $instances["127.0.0.1:8"]['serviceName'], ' ', $resolver->getCluster('shop')->count(), ' ', $resolver->getCluster('shop')->pop()['weight'], "\n";
    swoole_name_resolver_add($resolver);
    var_dump(Co\Http\get('http://shop/')->getBody(), swoole_name_resolver_remove($resolver));
    var_dump($resolver->leave('shop', '127.0.0.1', $servers['two']->port), $resolver->getCluster('shop'));
    foreach ([...$servers, $registry, $nacos] as $server) {
        $server->shutdown();
    }
});

echo "-- outside of coroutines\n";
thrown(fn () => (new Consul('http://127.0.0.1:1'))->join('user', '127.0.0.1', 9));
?>
--EXPECT--
-- cluster
bool(false)
int(0)
Swoole\NameResolver\Exception: cluster node "host.test": not an IP address
Swoole\NameResolver\Exception: cluster node: the port must be from 1 to 65535
Swoole\NameResolver\Exception: cluster node: the weight must be from 0 to 4294967295
{"host":"127.0.0.1","port":1,"weight":0} 0 false
bool(true)
-- lookup
string(9) "127.0.0.9"
bool(true)
bool(false)
NULL
string(9) "127.0.0.1"
string(8) "[::1]:13"
127.0.0.1:11 127.0.0.1:11 127.0.0.1:12 127.0.0.1:12, asked 4
string(9) "127.0.0.1"
bool(true)
bool(true)
bool(true)
NULL
NULL
bool(true)
bool(false)
Swoole\NameResolver\Exception: registry URL "nowhere": scheme or host is missing
-- clients
bool(true)
string(19) "one for one.service"
one and two
{"socket":20,"stream":20,"http":20,"client":20}
bool(false)
bool(true)
bool(false)
bool(true)
string(18) "Connection refused"
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
string(19) "one for one.service"
string(19) "one for one.service"
string(24) "two for anything.service"
array(1) {
  [0]=>
  string(23) "anything.service by two"
}
LogicException: no cluster
-- Consul
bool(true)
bool(true)
PUT {"ID":"swoole_service_user_127.0.0.1:PORT","Name":"swoole_service_user","Address":"127.0.0.1","Port":PORT,"EnableTagOverride":false,"Weights":{"Passing":7,"Warning":1},"Tags":["blue"]}
int(2)
NULL
bool(true)
1 of weight 7
string(12) "one for user"
bool(true)
Swoole\NameResolver\Exception: the registry answered 404: Unknown service ID
-- Nacos
bool(true)
bool(true)
prefix_shop 1 50
string(12) "two for shop"
bool(true)
bool(true)
NULL
-- outside of coroutines
Swoole\Coroutine\Http\Client\Exception: Connection refused
