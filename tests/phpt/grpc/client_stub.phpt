--TEST--
Generated gRPC clients run on Swoosh\Grpc\BaseStub with messages of google/protobuf, and over TLS
--SKIPIF--
<?php
require __DIR__ . '/../inc/grpc.inc';
need_grpcio();
is_file('/usr/share/php/Google/Protobuf/StringValue.php') || exit("skip google/protobuf is not installed (Debian's package php-google-protobuf)");
--EXTENSIONS--
swoole
openssl
--INI--
include_path=.:/usr/share/php
--FILE--
<?php
require __DIR__ . '/../inc/grpc.inc';
require __DIR__ . '/../inc/tls.inc';
spl_autoload_register(fn (string $class) => preg_match('~^(Google|GPBMetadata)\\\\~', $class) && require '/usr/share/php/' . strtr($class, '\\', '/') . '.php');
use Google\Protobuf\StringValue;
use Swoosh\Grpc\{BaseStub, Client, Exception, Status};

/** As grpc_php_plugin generates it. */
class PeerClient extends BaseStub
{
    public function Unary(StringValue $argument, $metadata = [], $options = [])
    {
        return $this->_simpleRequest('/test.Peer/Unary', $argument, [StringValue::class, 'decode'], $metadata, $options);
    }

    public function Slow(StringValue $argument, $metadata = [], $options = [])
    {
        return $this->_simpleRequest('/test.Peer/Slow', $argument, [StringValue::class, 'decode'], $metadata, $options);
    }

    public function Count($argument, $metadata = [], $options = [])
    {
        return $this->_serverStreamRequest('/test.Peer/Count', $argument, null, $metadata, $options);
    }

    public function Join($metadata = [], $options = [])
    {
        return $this->_clientStreamRequest('/test.Peer/Join', null, $metadata, $options);
    }

    public function Chat($metadata = [], $options = [])
    {
        return $this->_bidiRequest('/test.Peer/Chat', null, $metadata, $options);
    }
}
$authority = new Authority();
$peer = new PythonProgram(__DIR__ . '/../inc/grpc_peer.py', $authority->file('server.pem'), $authority->file('server.key'));
$port = (int) $peer->line();
Swoole\Coroutine\run(function () use ($authority, $port) {
    $tls = ['ssl' => true, 'ssl_verify_peer' => true, 'ssl_cafile' => $authority->file('ca.pem'), 'ssl_host_name' => 'localhost'];
    $stub = new PeerClient("127.0.0.1:$port", $tls + ['credentials' => null, 'update_metadata' => fn ($metadata) => $metadata + ['x-added' => 'yes']]);
    [$reply, $status] = $stub->Unary(new StringValue(['value' => 'hello']))->wait();
    echo get_class($reply), ' ', $reply->getValue(), " $status->code ", $status->metadata['x-trailer'][0], "\n";
    [$reply, $status] = $stub->Slow(new StringValue(), [], ['timeout' => 100000])->wait();
    echo json_encode($reply), ' ', Status::nameOf($status->code), "\n";
    $call = $stub->Count('3', ['x-own' => ['v']]);
    echo json_encode([$call->getMetadata()['x-own'], $call->getMetadata()['x-added'], iterator_to_array($call->responses(), false), $call->getStatus()->code, $call->getTrailingMetadata()['x-trailer']]), "\n";
    $call = $stub->Join();
    $call->write('a');
    $call->write('b');
    echo json_encode($call->wait()[0]), "\n";
    $call = $stub->Chat();
    $call->write('x');
    echo $call->read(), ' ', $call->getPeer() === "127.0.0.1:$port" ? 'peer' : '', "\n";
    $call->writesDone();
    echo json_encode($call->read()), ' ', $call->getStatus()->code, "\n";
    $stub->close();

    $client = new Client('127.0.0.1', $port, ['timeout' => 20] + $tls);
    $reply = $client->unary('/test.Peer/Unary', new StringValue(['value' => 'object']), StringValue::class);
    echo $reply->getValue(), ' ', $client->unary('/test.Peer/Unary', (new StringValue(['value' => 'code']))->serializeToString(), fn (string $bytes) => bin2hex($bytes)), "\n";
    foreach ([fn () => $client->unary('/test.Peer/Unary', "\x0a\x05a", StringValue::class), fn () => $client->unary('/test.Peer/Unary', 5)] as $call) {
        try {
            $call();
        } catch (Throwable $e) {
            echo $e instanceof Exception ? Status::nameOf($e->getCode()) . strtok($e->getMessage(), ':') : $e->getMessage(), "\n";
        }
    }
    try {
        (new Client('127.0.0.1', $port, ['ssl' => true, 'ssl_host_name' => 'other.example'] + $tls))->unary('/test.Peer/Unary', 'x');
    } catch (Exception $e) {
        echo Status::nameOf($e->getCode()), "\n";
    }
});
--EXPECT--
Google\Protobuf\StringValue hello 0 yes
null DEADLINE_EXCEEDED
[["v"],["yes"],["message 0","message 1","message 2"],0,["yes"]]
"a|b"
you said x peer
null 0
object 0a04636f6465
INTERNALthe reply cannot be read
a message is a string or an object with serializeToString(), not int
UNAVAILABLE
