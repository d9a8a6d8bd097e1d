<?php
// File uploads: a form, and the files it sends.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/http_upload.php [port]
use Swoole\Http\{Request, Response, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    'package_max_length' => 20 * 1024 * 1024, // the longest request; a longer one gets status 413
    'upload_tmp_dir' => sys_get_temp_dir(),
]);

$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port}, stop it with Ctrl+C\n";
});

$server->on('request', function (Request $request, Response $response) {
    $response->header('Content-Type', 'text/html; charset=utf-8');
    if ($request->getMethod() !== 'POST') {
        return $response->end(page('Send files', <<<'HTML'
            <form method="post" enctype="multipart/form-data">
            <p><label>Your name<br><input name="who"></label></p>
            <p><label>Files<br><input type="file" name="files[]" multiple></label></p>
            <p><button>Send</button></p>
            </form>
            HTML));
    }
    $list = '';
    foreach ($request->files['files'] ?? [] as $file) {
        // The file at `tmp_name` is removed after the request; move_uploaded_file() keeps it.
        $about = match ($file['error']) {
            UPLOAD_ERR_OK => $file['size'] . ' bytes, MD5 ' . md5_file($file['tmp_name']),
            UPLOAD_ERR_NO_FILE => 'no file was chosen',
            default => "error {$file['error']}",
        };
        $list .= '<li>' . htmlspecialchars($file['name']) . ": $about</li>\n";
    }
    $who = htmlspecialchars($request->post['who'] ?? 'anonymous');
    $response->end(page("From $who", $list === '' ? '<p>There were no files.</p>' : "<ul>\n$list</ul>"));
});

$server->start();

/** A page. Both arguments are HTML. */
function page(string $title, string $body): string
{
    return <<<HTML
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>$title</title>
        <style>
        body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
        input, button { font: inherit; max-width: 100% }
        </style>
        </head>
        <body>
        <h1>$title</h1>
        $body
        </body>
        </html>

        HTML;
}
