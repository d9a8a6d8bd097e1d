--TEST--
A Laravel application serves 1,000 mixed requests of several users: sessions, uploads, a database, a cache; nothing leaks between them
--EXTENSIONS--
swoole
pcntl
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('laravel', 'pdo_sqlite');
?>
--INI--
include_path=.:/usr/share/php
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require 'Illuminate/autoload.php';

use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as KernelContract;
use Illuminate\Cookie\Middleware\EncryptCookies;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Foundation\Http\Kernel;
use Illuminate\Http\Request;
use Illuminate\Session\Middleware\StartSession;
use Illuminate\Support\Facades\{Cache, DB, Route};
use Illuminate\Translation\TranslationServiceProvider;

$folder = sys_get_temp_dir() . '/laravel' . getmypid();
foreach (['bootstrap/cache', 'config', 'storage/framework/sessions', 'storage/framework/views', 'storage/framework/cache', 'storage/logs', 'storage/app'] as $name) {
    mkdir("$folder/$name", recursive: true);
}
touch("$folder/.env");
foreach ([
    'app' => [
        'name' => 'test', 'env' => 'production', 'debug' => false, 'url' => 'http://localhost', 'timezone' => 'UTC', 'locale' => 'en', 'fallback_locale' => 'en',
        'key' => 'base64:' . base64_encode(str_repeat('k', 32)), 'cipher' => 'AES-256-CBC', 'aliases' => [],
        'providers' => [
            Illuminate\Foundation\Providers\FoundationServiceProvider::class, Illuminate\Cache\CacheServiceProvider::class, Illuminate\Cookie\CookieServiceProvider::class, Illuminate\Database\DatabaseServiceProvider::class,
            Illuminate\Encryption\EncryptionServiceProvider::class, Illuminate\Filesystem\FilesystemServiceProvider::class,
            Illuminate\Session\SessionServiceProvider::class, Illuminate\View\ViewServiceProvider::class, TranslationServiceProvider::class,
            Illuminate\Validation\ValidationServiceProvider::class,
        ],
    ],
    'session' => ['driver' => 'file', 'lifetime' => 120, 'expire_on_close' => false, 'encrypt' => false, 'files' => "$folder/storage/framework/sessions", 'lottery' => [0, 100], 'cookie' => 'sid', 'path' => '/', 'domain' => null, 'secure' => false, 'http_only' => true, 'same_site' => 'lax'],
    'cache' => ['default' => 'file', 'prefix' => '', 'stores' => ['file' => ['driver' => 'file', 'path' => "$folder/storage/framework/cache"]]],
    'database' => ['default' => 'sqlite', 'connections' => ['sqlite' => ['driver' => 'sqlite', 'database' => "$folder/db", 'prefix' => '', 'options' => [PDO::ATTR_TIMEOUT => 30]]]],
    'filesystems' => ['default' => 'local', 'disks' => ['local' => ['driver' => 'local', 'root' => "$folder/storage/app"]]],
    'logging' => ['default' => 'null', 'channels' => ['null' => ['driver' => 'monolog', 'handler' => Monolog\Handler\NullHandler::class], 'emergency' => ['path' => "$folder/storage/logs/emergency"]]],
    'view' => ['paths' => [], 'compiled' => "$folder/storage/framework/views"],
] as $name => $config) {
    file_put_contents("$folder/config/$name.php", '<?php return ' . var_export($config, true) . ';');
}

final class Visit extends Model
{
    public $timestamps = false;
    protected $guarded = [];
}

final class AppKernel extends Kernel
{
    protected $middlewareGroups = ['web' => [EncryptCookies::class, StartSession::class]];
}

/** An application as the start of a script makes it, for one request. */
function application(): Application
{
    $app = new Application($GLOBALS['folder']);
    $app->singleton(KernelContract::class, AppKernel::class);
    $app->singleton(ExceptionHandler::class, Handler::class);
    $app->booted(function () use ($app): void {
        Route::middleware('web')->group(function (): void {
            Route::get('/hello/{name}', fn (Request $request, string $name) => "hello $name from {$request->ip()}, " . app()->getLocale() . ' ' . date_default_timezone_get());
            Route::get('/count', function (Request $request) {
                $session = $request->session();
                $session->put('user', $session->get('user', $request->query('user')));
                return [$session->get('user'), $session->increment('visits')];
            });
            // Changes what the next request must not see.
            Route::get('/locale', function (Request $request) {
                $before = [app()->getLocale(), config('app.of'), date_default_timezone_get()];
                app()->setLocale('de');
                config(['app.of' => $request->query('user')]);
                date_default_timezone_set('Asia/Tokyo');
                return [...$before, config('app.of')];
            });
            Route::post('/upload', function (Request $request) {
                $input = $request->validate(['file' => 'required|file|max:1000', 'field' => 'required|string']);
                $path = storage_path('app/' . $request->file('file')->store('uploads'));
                $answer = [$request->file('file')->getClientOriginalName(), filesize($path), md5_file($path), $input['field']];
                unlink($path);
                return $answer;
            });
            Route::get('/rows', function (Request $request) {
                DB::transaction(fn () => Visit::create(['user' => $request->query('user')]));
                return response('stored', 201);
            });
            Route::get('/half', function (Request $request): void {
                DB::beginTransaction();
                Visit::create(['user' => 'of a transaction that is not committed']);
                throw new RuntimeException('of a controller');
            });
            Route::get('/cache', function (Request $request) {
                Cache::put("user {$request->query('user')}", $request->query('n'), 60);
                return response(Cache::get("user {$request->query('user')}"))->cookie('plain', $request->query('n'));
            });
            Route::get('/stream', fn () => response()->stream(function (): void {
                echo str_repeat('part ', 1000);
            }));
        });
    });
    return $app;
}

(new PDO("sqlite:$folder/db"))->exec('CREATE TABLE visits (id INTEGER PRIMARY KEY, user TEXT)');
$handle = function (Swoole\Http\Request $from, Swoole\Http\Response $to): void {
    $server = array_change_key_case($from->server, CASE_UPPER);
    foreach ($from->header as $name => $value) {
        $name = strtoupper(strtr($name, '-', '_'));
        $server[in_array($name, ['CONTENT_TYPE', 'CONTENT_LENGTH'], true) ? $name : "HTTP_$name"] = $value;
    }
    $app = application();
    $kernel = $app->make(KernelContract::class);
    $request = Request::createFromBase(new Symfony\Component\HttpFoundation\Request($from->get ?? [], $from->post ?? [], [], $from->cookie ?? [], $from->files ?? [], $server, $from->getContent()));
    $response = $kernel->handle($request);
    $to->status($response->getStatusCode());
    foreach ($response->headers->allPreserveCase() as $name => $values) {
        $to->header($name, $values);
    }
    ob_start();
    $response->sendContent();
    $to->end(ob_get_clean());
    $kernel->terminate($request, $response);
    // Models keep the connections of their application, and so the transaction of one that has failed.
    foreach ($app->make('db')->getConnections() as $connection) {
        $connection->disconnect();
    }
    $app->flush();
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
        $kind = ['hello', 'count', 'locale', 'upload', 'rows', 'half', 'cache', 'stream', 'none'][$n % 9];
        $status = '200';
        switch ($kind) {
            case 'hello':
                $answer = ask($connection, "/hello/$user", $cookie);
                $expected = "hello $user from 127.0.0.1, en UTC";
                break;
            case 'count':
                $answer = ask($connection, "/count?user=$user", $cookie);
                $cookie = isset($answer[1]['set-cookie']) ? strtok($answer[1]['set-cookie'], ';') : $cookie;
                $expected = json_encode(["$user", ++$visits]);
                break;
            case 'locale':
                $answer = ask($connection, "/locale?user=$user", $cookie);
                $expected = json_encode(['en', null, 'UTC', "$user"]);
                break;
            case 'upload':
                $file = random_bytes(mt_rand(1, 100000));
                $body = "--B\r\nContent-Disposition: form-data; name=\"field\"\r\n\r\nof $user\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f$user.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n$file\r\n--B--\r\n";
                $answer = ask($connection, '/upload', $cookie, $body, 'multipart/form-data; boundary=B');
                $expected = json_encode(["f$user.bin", strlen($file), md5($file), "of $user"]);
                break;
            case 'rows':
                $answer = ask($connection, "/rows?user=$user", $cookie);
                [$expected, $status] = ['stored', '201'];
                break;
            case 'cache':
                $answer = ask($connection, "/cache?user=$user&n=$n", $cookie);
                $expected = "$n";
                break;
            case 'stream':
                $answer = ask($connection, '/stream', $cookie);
                $expected = str_repeat('part ', 1000);
                break;
            case 'half':
                $answer = ask($connection, '/half', $cookie);
                [$expected, $status] = [$answer[2], '500'];
                break;
            default:
                $answer = ask($connection, '/none', $cookie);
                [$expected, $status] = [$answer[2], '404'];
        }
        if ($answer[2] !== $expected || !str_contains($answer[0], " $status ")) {
            echo "user $user, request $n, $kind: $answer[0] ", substr($answer[2], 0, 1500), "\n";
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
{"1":14,"2":14,"3":14,"4":14,"5":14,"6":14,"7":14,"8":14}
done
