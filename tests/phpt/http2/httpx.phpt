--TEST--
Python's httpx speaks HTTP/2 to a server in both modes: many requests at once, bodies both ways, parts, cookies
--SKIPIF--
<?php
exec('/usr/bin/python3 -c "import httpx, h2" 2>&1', $output, $status);
$status === 0 || exit("skip httpx with HTTP/2 is not installed (Debian's packages python3-httpx and python3-h2)");
?>
--EXTENSIONS--
swoole
openssl
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http2_tls_server.inc';
$program = <<<'PYTHON'
import asyncio, httpx, ssl, sys
url, authority = sys.argv[1:]
async def main():
    trust = ssl.create_default_context(cafile=authority)
    async with httpx.AsyncClient(http2=True, verify=trust, timeout=60, base_url=url) as client:
        answers = await asyncio.gather(*(client.get(f"/number/{n}") for n in range(300)))
        print("many at once", all(a.text == f"you asked for /number/{n}" and a.http_version == "HTTP/2" for n, a in enumerate(answers)))
        body = bytes(range(256)) * 12000
        print("upload", (await client.post("/echo", content=body)).content == body)
        async def pieces():
            for n in range(20):
                yield b"%d" % n * 5000
                await asyncio.sleep(0)
        print("upload in pieces", (await client.post("/echo", content=pieces())).content == b"".join(b"%d" % n * 5000 for n in range(20)))
        downloads = await asyncio.gather(*(client.get("/large") for _ in range(3)))
        print("downloads", [len(a.content) for a in downloads])
        async with client.stream("GET", "/parts") as answer:
            print("parts", "".join([part async for part in answer.aiter_text()]).split("\n"))
        first = await client.get("/cookie")
        print("cookies", first.headers.get_list("set-cookie"), (await client.get("/cookie")).json())
        print("HEAD", int((await client.head("/large")).headers["content-length"]) > 0)
        async with client.stream("GET", "/events") as answer:
            async for line in answer.aiter_lines():
                if "event 3" in line:
                    break
        print("after a stream that was given up", (await client.get("/last")).text)
asyncio.run(main())
PYTHON;
http2_tls_serve(function (int $port, Authority $authority, string $mode) use ($program) {
    echo "$mode\n";
    $command = ['/usr/bin/python3', '-c', $program, "https://localhost:$port", $authority->file('ca.pem')];
    proc_close(proc_open($command, [1 => STDOUT, 2 => STDOUT], $pipes, null, ['NO_PROXY' => '*'] + getenv()));
});
?>
--EXPECT--
base
many at once True
upload True
upload in pieces True
downloads [5000000, 5000000, 5000000]
parts ['part 1', 'part 2', 'part 3', 'part 4', 'part 5', '']
cookies ['first=1', 'second=2'] {'first': '1', 'second': '2'}
HEAD True
after a stream that was given up you asked for /last
process
many at once True
upload True
upload in pieces True
downloads [5000000, 5000000, 5000000]
parts ['part 1', 'part 2', 'part 3', 'part 4', 'part 5', '']
cookies ['first=1', 'second=2'] {'first': '1', 'second': '2'}
HEAD True
after a stream that was given up you asked for /last
