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
        return $response->end(<<<'HTML'
            <!doctype html>
            <form method="post" enctype="multipart/form-data">
              <p>Your name <input name="who">
              <p>Files <input type="file" name="files[]" multiple>
              <p><button>Send</button>
            </form>

            HTML);
    }
    $page = '<p>From ' . htmlspecialchars($request->post['who'] ?? 'anonymous') . ":\n<ul>\n";
    foreach ($request->files['files'] ?? [] as $file) {
        // The file at `tmp_name` is removed after the request; move_uploaded_file() keeps it.
        $about = match ($file['error']) {
            UPLOAD_ERR_OK => $file['size'] . ' bytes, MD5 ' . md5_file($file['tmp_name']),
            UPLOAD_ERR_NO_FILE => 'no file was chosen',
            default => "error {$file['error']}",
        };
        $page .= '<li>' . htmlspecialchars($file['name']) . ": $about</li>\n";
    }
    $response->end("$page</ul>\n");
});

$server->start();
