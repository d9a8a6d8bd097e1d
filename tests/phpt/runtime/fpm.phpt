--TEST--
In a page of php-fpm coroutines work in each request, and a server is refused
--EXTENSIONS--
swoole
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('php-fpm8.2');
PHP_VERSION_ID >= 80200 && PHP_VERSION_ID < 80300 && !PHP_ZTS || die('skip php-fpm8.2 is another PHP');
?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
require __DIR__ . '/../inc/example.inc';
use Swoole\Coroutine\FastCGI\Client;
use Swoole\FastCGI\HttpRequest;

$page = sys_get_temp_dir() . '/fpm' . getmypid() . '.php';
file_put_contents($page, <<<'PHP'
    <?php
    echo PHP_SAPI, ' ', phpversion('swoole'), ': ';
    match ($_GET['do'] ?? '') {
        'coroutines' => Co\run(function () {
            echo implode(',', Swoole\Coroutine\map([3, 1, 2], function ($n) {
                usleep($n * 1000);
                return $n * $n;
            }));
        }),
        'server' => new Swoole\Server('127.0.0.1', 0),
        default => print 'nothing',
    };
    PHP);
$fpm = new PhpFpm(extensions());
Co\run(function () use ($fpm, $page) {
    foreach (['', 'do=coroutines', 'do=coroutines', 'do=server', 'do=coroutines', ''] as $query) {
        $client = new Client('127.0.0.1', $fpm->port);
        $response = $client->execute((new HttpRequest())->withScriptFilename($page)->withMethod('GET')->withQueryString($query), 20);
        echo strtok(trim(strip_tags($response->getBody())), "\n"), preg_match('~Uncaught Error: .*? mode~', $response->getBody() . $response->getError(), $error) ? " $error[0]" : '', "\n";
    }
});
unlink($page);
?>
--EXPECT--
fpm-fcgi 6.2.1: nothing
fpm-fcgi 6.2.1: 9,1,4
fpm-fcgi 6.2.1: 9,1,4
fpm-fcgi 6.2.1:  Uncaught Error: Swoole\Server can only be used in CLI mode
fpm-fcgi 6.2.1: 9,1,4
fpm-fcgi 6.2.1: nothing
