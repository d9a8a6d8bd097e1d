--TEST--
A web site of php-fpm is served over HTTP: scripts, sessions, forms, uploads, path information, static files, errors
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('php-fpm8.2'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
require __DIR__ . '/../inc/example.inc';
$root = sys_get_temp_dir() . '/fastcgi' . getmypid();
mkdir("$root/wp", 0755, true);
file_put_contents("$root/style.css", 'body {}');
file_put_contents("$root/index.php", '<?php echo "home ", $_SERVER["REQUEST_URI"], " ", json_encode($_GET);');
file_put_contents("$root/wp/login.php", <<<'PHP'
<?php
session_start();
if (isset($_POST['user'])) {
    $_SESSION['user'] = $_POST['user'];
    header('Location: /wp/login.php', true, 303);
    exit;
}
header('X-Visits: ' . ($_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1));
setcookie('last', 'a b');
echo 'hello ', $_SESSION['user'] ?? 'stranger', $_SERVER['PATH_INFO'] ?? '';
PHP);
file_put_contents("$root/upload.php", '<?php echo $_FILES["f"]["name"], " ", md5_file($_FILES["f"]["tmp_name"]), " ", $_POST["n"];');
file_put_contents("$root/raw.php", '<?php http_response_code(418); echo $_SERVER["REQUEST_METHOD"], " ", strlen(file_get_contents("php://input"));');
file_put_contents("$root/large.php", '<?php echo str_repeat("x", 5000000);');
$fpm = new PhpFpm();
$cookies = [];
function ask(Example $site, string $path, array $options = []): string
{
    global $cookies;
    $cookie = implode('; ', array_map(fn ($k, $v) => "$k=$v", array_keys($cookies), $cookies));
    $options += ['method' => 'GET', 'header' => ''];
    $options['header'] .= "\r\nCookie: $cookie\r\nConnection: close";
    $options['header'] = ltrim($options['header']);
    $body = file_get_contents("http://127.0.0.1:{$site->ports[0]}$path", false, stream_context_create(['http' => $options + ['ignore_errors' => true, 'follow_location' => 0, 'timeout' => 20]]));
    foreach (preg_grep('/^set-cookie:/i', $http_response_header) as $line) {
        preg_match('/: (\w+)=([^;]*)/', $line, $found);
        $cookies[$found[1]] = $found[2];
    }
    $head = preg_grep('/^(HTTP|location|x-visits|content-type)/i', $http_response_header);
    return implode(' | ', $head) . ' | ' . (strlen($body) > 100 ? strlen($body) . ' bytes' : $body) . "\n";
}
foreach (["127.0.0.1:$fpm->port", $fpm->socket] as $address) {
    $site = Example::start('fastcgi_proxy', $root, $address);
    $cookies = [];
    echo ask($site, '/?a=b%20c');
    echo ask($site, '/wp/login.php');
    echo ask($site, '/wp/login.php', ['method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => 'user=Jo+%26+Ann']);
    echo ask($site, '/wp/login.php/page/2?x=1');
    echo ask($site, '/style.css');
    echo ask($site, '/none.css');
    echo ask($site, '/../../../../etc/passwd');
    $file = random_bytes(300000);
    $form = "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nfive\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n$file\r\n--b--\r\n";
    $answer = ask($site, '/upload.php', ['method' => 'POST', 'header' => 'Content-Type: multipart/form-data; boundary=b', 'content' => $form]);
    echo str_replace(md5($file), '(its digest)', $answer);
    echo ask($site, '/raw.php', ['method' => 'PUT', 'header' => 'Content-Type: application/octet-stream', 'content' => str_repeat('p', 2000000)]);
    echo ask($site, '/large.php');
    $site->stop();
}
$fpm->stop();
$site = Example::start('fastcgi_proxy', $root, "127.0.0.1:$fpm->port");
echo ask($site, '/');
array_map(unlink(...), [...glob("$root/wp/*"), ...glob("$root/*.*")]);
rmdir("$root/wp");
rmdir($root);
?>
--EXPECTF--
HTTP/1.1 200 OK | Content-Type: text/html; charset=UTF-8 | home /?a=b%20c {"a":"b c"}
HTTP/1.1 200 OK | X-Visits: 1 | Content-Type: text/html; charset=UTF-8 | hello stranger
HTTP/1.1 303 See Other | Location: /wp/login.php | Content-Type: text/html; charset=UTF-8 | 
HTTP/1.1 200 OK | X-Visits: 2 | Content-Type: text/html; charset=UTF-8 | hello Jo & Ann/page/2
HTTP/1.1 200 OK | Content-Type: text/css | body {}
HTTP/1.1 404 Not Found | Content-Type: text/html | 
HTTP/1.1 404 Not Found | Content-Type: text/html; charset=UTF-8 | File not found.

HTTP/1.1 200 OK | Content-Type: text/html; charset=UTF-8 | a.bin (its digest) five
HTTP/1.1 418 Unknown | Content-Type: text/html; charset=UTF-8 | PUT 2000000
HTTP/1.1 200 OK | Content-Type: text/html; charset=UTF-8 | 5000000 bytes
HTTP/1.1 200 OK | Content-Type: text/html; charset=UTF-8 | home /?a=b%20c {"a":"b c"}
HTTP/1.1 200 OK | X-Visits: 1 | Content-Type: text/html; charset=UTF-8 | hello stranger
HTTP/1.1 303 See Other | Location: /wp/login.php | Content-Type: text/html; charset=UTF-8 | 
HTTP/1.1 200 OK | X-Visits: 2 | Content-Type: text/html; charset=UTF-8 | hello Jo & Ann/page/2
HTTP/1.1 200 OK | Content-Type: text/css | body {}
HTTP/1.1 404 Not Found | Content-Type: text/html | 
HTTP/1.1 404 Not Found | Content-Type: text/html; charset=UTF-8 | File not found.

HTTP/1.1 200 OK | Content-Type: text/html; charset=UTF-8 | a.bin (its digest) five
HTTP/1.1 418 Unknown | Content-Type: text/html; charset=UTF-8 | PUT 2000000
HTTP/1.1 200 OK | Content-Type: text/html; charset=UTF-8 | 5000000 bytes
HTTP/1.1 502 Bad Gateway | Content-Type: text/html | php-fpm does not answer: Connection refused (FastCGI server %s)

