--TEST--
A Symfony application serves 1,000 mixed requests of several users: sessions, uploads, a database; nothing leaks between them
--EXTENSIONS--
swoole
pcntl
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('symfony', 'pdo_sqlite');
?>
--INI--
include_path=.:/usr/share/php
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require '/usr/share/php/Symfony/Bundle/FrameworkBundle/autoload.php';

use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpFoundation\StreamedResponse;
use Symfony\Component\HttpKernel\Kernel;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;
use Symfony\Contracts\Service\ResetInterface;

$folder = sys_get_temp_dir() . '/symfony' . getmypid();
mkdir($folder);

/** A service with state of the request. Symfony resets it before the next one. */
final class Basket implements ResetInterface
{
    private array $items = [];

    public function add(string $item): array
    {
        $this->items[] = $item;
        return $this->items;
    }

    public function reset(): void
    {
        $this->items = [];
    }
}

final class App extends Kernel
{
    use MicroKernelTrait;

    public function registerBundles(): iterable
    {
        return [new FrameworkBundle()];
    }

    public function getProjectDir(): string
    {
        return $GLOBALS['folder'];
    }

    protected function configureContainer(ContainerConfigurator $container): void
    {
        $container->extension('framework', [
            'secret' => 'only of this test', 'http_method_override' => false, 'php_errors' => ['log' => false],
            'session' => ['storage_factory_id' => 'session.storage.factory.native', 'handler_id' => null, 'save_path' => $GLOBALS['folder']],
        ]);
        $container->services()->set('logger', Psr\Log\NullLogger::class);
        $container->services()->set(Basket::class, Basket::class)->public()->autoconfigure();
    }

    protected function configureRoutes(RoutingConfigurator $routes): void
    {
        foreach (['hello' => '/hello/{name}', 'count' => '/count', 'basket' => '/basket', 'upload' => '/upload', 'rows' => '/rows', 'fail' => '/fail', 'stream' => '/stream'] as $name => $path) {
            $routes->add($name, $path)->controller('kernel::' . $name);
        }
    }

    public function hello(string $name, Request $request): Response
    {
        return new Response("hello $name from {$request->getClientIp()}, {$request->getLocale()}");
    }

    public function count(Request $request): Response
    {
        $session = $request->getSession();
        $session->set('user', $session->get('user', $request->query->get('user')));
        $session->set('visits', $session->get('visits', 0) + 1);
        return new JsonResponse([$session->get('user'), $session->get('visits')]);
    }

    public function basket(Request $request): Response
    {
        return new JsonResponse($this->getContainer()->get(Basket::class)->add($request->query->get('item')));
    }

    public function upload(Request $request): Response
    {
        $file = $request->files->get('file');
        $moved = $file->move($GLOBALS['folder'], 'upload' . uniqid('', true));
        $answer = [$file->getClientOriginalName(), $moved->getSize(), md5_file($moved->getPathname()), $request->request->get('field')];
        unlink($moved->getPathname());
        return new JsonResponse($answer);
    }

    public function rows(Request $request): Response
    {
        static $db;
        $db ??= new PDO("sqlite:{$GLOBALS['folder']}/db", options: [PDO::ATTR_TIMEOUT => 30]);
        $db->beginTransaction();
        $db->prepare('INSERT INTO visits VALUES (?)')->execute([$request->query->get('user')]);
        $db->commit();
        return new Response('stored', 201);
    }

    public function fail(): Response
    {
        throw new RuntimeException('of a controller');
    }

    public function stream(): Response
    {
        return new StreamedResponse(function (): void {
            echo str_repeat('part ', 1000);
        });
    }
}

(new PDO("sqlite:$folder/db"))->exec('CREATE TABLE visits (user text)');
$kernel = null;
$handle = function (Swoole\Http\Request $from, Swoole\Http\Response $to) use (&$kernel): void {
    $kernel ??= new App('prod', false);
    $server = array_change_key_case($from->server, CASE_UPPER);
    foreach ($from->header as $name => $value) {
        $name = strtoupper(strtr($name, '-', '_'));
        $server[in_array($name, ['CONTENT_TYPE', 'CONTENT_LENGTH'], true) ? $name : "HTTP_$name"] = $value;
    }
    $request = new Request($from->get ?? [], $from->post ?? [], [], $from->cookie ?? [], $from->files ?? [], $server, $from->getContent());
    // Symfony sends the content of a streamed response while it handles the request.
    ob_start();
    $response = $kernel->handle($request);
    $to->status($response->getStatusCode());
    foreach ($response->headers->allPreserveCase() as $name => $values) {
        $to->header($name, $values);
    }
    $response->sendContent();
    $to->end(ob_get_clean());
    $kernel->terminate($request, $response);
};

/** One request over a connection that is kept. */
function ask($connection, string $path, string $cookie = '', string $body = '', string $type = ''): array
{
    $head = ($body === '' ? 'GET' : 'POST') . " $path HTTP/1.1\r\nHost: localhost\r\n" . ($cookie === '' ? '' : "Cookie: $cookie\r\n")
        . ($body === '' ? '' : "Content-Type: $type\r\nContent-Length: " . strlen($body) . "\r\n");
    fwrite($connection, "$head\r\n$body");
    return http_answer($connection);
}

/** The requests of one user; prints what is wrong. */
function user(int $user): void
{
    mt_srand($user);
    $connection = http_dial(60);
    [$cookie, $visits] = ['', 0];
    for ($n = 0; $n < 125; $n++) {
        $kind = ['hello', 'count', 'basket', 'upload', 'rows', 'fail', 'stream', 'none'][$n % 8];
        [$expected, $status] = ['', '200'];
        switch ($kind) {
            case 'hello':
                $answer = ask($connection, "/hello/$user", $cookie);
                $expected = "hello $user from 127.0.0.1, en";
                break;
            case 'count':
                $answer = ask($connection, "/count?user=$user", $cookie);
                $cookie = isset($answer[1]['set-cookie']) ? strtok($answer[1]['set-cookie'], ';') : $cookie;
                $expected = json_encode(["$user", ++$visits]);
                break;
            case 'basket':
                $answer = ask($connection, "/basket?item=$user", $cookie);
                $expected = json_encode(["$user"]);
                break;
            case 'upload':
                $file = random_bytes(mt_rand(1, 100000));
                $body = "--B\r\nContent-Disposition: form-data; name=\"field\"\r\n\r\nof $user\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f$user.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n$file\r\n--B--\r\n";
                $answer = ask($connection, '/upload', $cookie, $body, 'multipart/form-data; boundary=B');
                $expected = json_encode(["f$user.bin", strlen($file), md5($file), "of $user"]);
                break;
            case 'rows':
                $answer = ask($connection, "/rows?user=$user");
                [$expected, $status] = ['stored', '201'];
                break;
            case 'fail':
                $answer = ask($connection, '/fail');
                [$expected, $status] = [$answer[2], '500'];
                break;
            case 'stream':
                $answer = ask($connection, '/stream');
                $expected = str_repeat('part ', 1000);
                break;
            default:
                $answer = ask($connection, '/none');
                [$expected, $status] = [$answer[2], '404'];
        }
        if ($answer[2] !== $expected || !str_contains($answer[0], " $status ")) {
            echo "user $user, request $n, $kind: $answer[0] ", substr($answer[2], 0, 200), "\n";
            return;
        }
    }
}

$driver = function () use ($folder): void {
    $users = [];
    for ($user = 1; $user <= 8; $user++) {
        if (!$users[] = pcntl_fork()) {
            user($user);
            posix_kill(getmypid(), SIGKILL);
        }
    }
    foreach ($users as $pid) {
        pcntl_waitpid($pid, $status);
    }
    $rows = (new PDO("sqlite:$folder/db"))->query('SELECT user, count(*) FROM visits GROUP BY user')->fetchAll(PDO::FETCH_KEY_PAIR);
    echo json_encode($rows), "\n";
};
http_serve(['worker_num' => 2, 'enable_coroutine' => false, 'upload_tmp_dir' => $folder], $handle, $driver, SWOOLE_PROCESS);
exec('rm -r ' . escapeshellarg($folder));
echo "done\n";
?>
--EXPECT--
{"1":16,"2":16,"3":16,"4":16,"5":16,"6":16,"7":16,"8":16}
done
