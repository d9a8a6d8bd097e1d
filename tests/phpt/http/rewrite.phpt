--TEST--
url_rewrite_rules: the first matching pattern chooses the file, and no file is outside the root
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$root = sys_get_temp_dir() . '/rewrite' . getmypid();
foreach (['', '/doc', '/doc/static'] as $folder) { mkdir($root . $folder); }
foreach (['secret.txt' => 'secret', 'doc/static/a.txt' => 'a', 'doc/static/b.txt' => 'b', 'doc/index.html' => 'page'] as $name => $text) { file_put_contents("$root/$name", $text); }
$rules = [
    '/static/version\d+/' => '/static/',
    '~^/(\w+)\.v(?<n>\d+)\.txt$~' => '/static/$1.txt',
    '/first' => '/static/a.txt',
    '/first/never' => '/static/b.txt',
    '/up/' => '/../',
    '/app(/.*)?$' => '/index.html',
    '([' => '/not/a/pattern',
    '/static/a.txt' => '/static/a.txt',
];
$show = function (array $paths) {
    foreach ($paths as $path) {
        [$status, , $body] = http_ask("GET $path HTTP/1.1");
        echo "$path: ", substr($status, 9, 3), " $body\n";
    }
};
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $settings = ['document_root' => "$root/doc", 'enable_static_handler' => true, 'url_rewrite_rules' => $rules];
    http_serve($settings, fn ($q, $r) => $r->end("handler of {$q->server['request_uri']}"), fn () => $show([
        '/static/a.txt', '/static/version12/a.txt', '/static/version/a.txt', '/x/static/version1/a.txt', '/b.v7.txt', '/first', '/first/never',
        '/app', '/app/deep/er', '/application', '/up/secret.txt', '/static/version1/../../../secret.txt', '/static/version1/%2e%2e/%2e%2e/secret.txt', '/static/version1/none.txt',
    ]), $mode);
    http_serve($settings + ['static_handler_locations' => ['/static/']], fn ($q, $r) => $r->end('handler'), fn () => $show(['/static/version1/b.txt', '/static/version1/none.txt', '/first', '/app', '/up/secret.txt']), $mode);
}
exec('rm -r ' . escapeshellarg($root));
?>
--EXPECT--
/static/a.txt: 200 a
/static/version12/a.txt: 200 a
/static/version/a.txt: 200 handler of /static/version/a.txt
/x/static/version1/a.txt: 200 handler of /x/static/version1/a.txt
/b.v7.txt: 200 b
/first: 200 a
/first/never: 200 handler of /first/never
/app: 200 page
/app/deep/er: 200 page
/application: 200 handler of /application
/up/secret.txt: 200 handler of /up/secret.txt
/static/version1/../../../secret.txt: 200 handler of /static/version1/../../../secret.txt
/static/version1/%2e%2e/%2e%2e/secret.txt: 200 handler of /static/version1/%2e%2e/%2e%2e/secret.txt
/static/version1/none.txt: 200 handler of /static/version1/none.txt
/static/version1/b.txt: 200 b
/static/version1/none.txt: 404 <!doctype html>
<title>404 Not Found</title>
<h1>404 Not Found</h1>

/first: 200 a
/app: 200 handler
/up/secret.txt: 404 <!doctype html>
<title>404 Not Found</title>
<h1>404 Not Found</h1>

/static/a.txt: 200 a
/static/version12/a.txt: 200 a
/static/version/a.txt: 200 handler of /static/version/a.txt
/x/static/version1/a.txt: 200 handler of /x/static/version1/a.txt
/b.v7.txt: 200 b
/first: 200 a
/first/never: 200 handler of /first/never
/app: 200 page
/app/deep/er: 200 page
/application: 200 handler of /application
/up/secret.txt: 200 handler of /up/secret.txt
/static/version1/../../../secret.txt: 200 handler of /static/version1/../../../secret.txt
/static/version1/%2e%2e/%2e%2e/secret.txt: 200 handler of /static/version1/%2e%2e/%2e%2e/secret.txt
/static/version1/none.txt: 200 handler of /static/version1/none.txt
/static/version1/b.txt: 200 b
/static/version1/none.txt: 404 <!doctype html>
<title>404 Not Found</title>
<h1>404 Not Found</h1>

/first: 200 a
/app: 200 handler
/up/secret.txt: 404 <!doctype html>
<title>404 Not Found</title>
<h1>404 Not Found</h1>