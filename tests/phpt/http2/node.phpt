--TEST--
Node's http2 client speaks to a server in both modes: many streams, pings, resets, trailers, uploads, and GOAWAY of the client
--SKIPIF--
<?php shell_exec('command -v node') ?: exit("skip Node is not installed (Debian's package nodejs)"); ?>
--EXTENSIONS--
swoole
openssl
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http2_tls_server.inc';
$program = <<<'NODE'
const http2 = require('http2'), fs = require('fs');
const [url, authority] = process.argv.slice(1);
const session = http2.connect(url, { ca: fs.readFileSync(authority), servername: 'localhost' });
session.on('error', (error) => console.log('session error', error.message));
function ask(path, { headers = {}, body, parts } = {}) {
    return new Promise((resolve, reject) => {
        const stream = session.request({ ':path': path, ':method': body || parts ? 'POST' : 'GET', ...headers });
        let head, trailers = null;
        const data = [];
        stream.on('response', (fields) => head = fields);
        stream.on('trailers', (fields) => trailers = fields);
        stream.on('data', (piece) => data.push(piece));
        stream.on('error', reject);
        stream.on('end', () => resolve({ head, trailers, body: Buffer.concat(data) }));
        if (parts) parts.forEach((part) => stream.write(part));
        if (body) stream.end(body); else stream.end();
    });
}
(async () => {
    const answers = await Promise.all([...Array(500).keys()].map((n) => ask(`/number/${n}`)));
    console.log('many at once', answers.every(({ head, body }, n) => head[':status'] === 200 && String(body) === `you asked for /number/${n}`));
    const large = Buffer.alloc(3000000, 'abc');
    console.log('upload', (await ask('/echo', { body: large })).body.equals(large));
    const parts = [...Array(40).keys()].map((n) => String(n).repeat(3000));
    console.log('upload in parts', String((await ask('/echo', { parts })).body) === parts.join(''));
    console.log('large', (await Promise.all([1, 2, 3].map(() => ask('/large')))).map(({ body }) => body.length));
    const { body, trailers } = await ask('/parts');
    console.log('trailers', String(body).split('\n').length, trailers['x-parts']);
    console.log('ping', await new Promise((resolve) => session.ping(Buffer.from('12345678'), (error, _, payload) => resolve(String(payload)))));
    const events = session.request({ ':path': '/events' });
    await new Promise((resolve) => events.once('data', resolve));
    const closed = new Promise((resolve) => events.once('close', resolve));
    events.close(http2.constants.NGHTTP2_CANCEL);
    await closed;
    console.log('after a reset', String((await ask('/last')).body));
    const last = ask('/after-goaway');
    session.goaway(http2.constants.NGHTTP2_NO_ERROR);
    console.log('goaway', String((await last).body));
    await new Promise((resolve) => session.close(resolve));
    console.log('closed');
})().catch((error) => { console.log('failed', error); process.exit(1); });
NODE;
http2_tls_serve(function (int $port, Authority $authority, string $mode) use ($program) {
    echo "$mode\n";
    proc_close(proc_open(['node', '-e', $program, "https://127.0.0.1:$port", $authority->file('ca.pem')], [1 => STDOUT, 2 => STDOUT], $pipes));
});
?>
--EXPECT--
base
many at once true
upload true
upload in parts true
large [ 5000000, 5000000, 5000000 ]
trailers 6 5
ping 12345678
after a reset you asked for /last
goaway you asked for /after-goaway
closed
process
many at once true
upload true
upload in parts true
large [ 5000000, 5000000, 5000000 ]
trailers 6 5
ping 12345678
after a reset you asked for /last
goaway you asked for /after-goaway
closed
