--TEST--
Swoole\Http\Request builds properties when they are first read, without a visible difference
--EXTENSIONS--
swoole
posix
pcntl
--INI--
opcache.enable_cli=1
opcache.jit=tracing
opcache.jit_buffer_size=16M
opcache.jit_hot_func=2
opcache.file_update_protection=0
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function change(mixed &$value): mixed
{
    $value['changed'] = 1;
    return $value;
}
function printed(callable $print): string
{
    ob_start();
    $print();
    return ob_get_clean();
}
$ways = [
    'header' => fn ($r) => $r->header,
    'server' => fn ($r) => $r->server,
    'cookie' => fn ($r) => $r->cookie,
    'get' => fn ($r) => $r->get,
    'nothing of it' => fn ($r) => [$r->post, $r->files, $r->tmpfiles, $r->getContent()],
    'a field' => fn ($r) => [$r->header['host'], $r->get['a'], $r->cookie['c'], $r->server['request_uri']],
    'method' => fn ($r) => $r->getMethod(),
    'by name' => function ($r) {
        foreach (['header', 'server', 'get'] as $name) {
            $all[] = $r->$name;
        }
        return $all;
    },
    'nullsafe' => fn ($r) => $r?->get['a'],
    'isset' => fn ($r) => [isset($r->get), isset($r->header), isset($r->get['a']), isset($r->get['b']), isset($r->post), isset($r->none)],
    'empty' => fn ($r) => [empty($r->cookie), empty($r->server['query_string']), empty($r->files)],
    'coalesce' => fn ($r) => [$r->cookie ?? 'none', $r->cookie['x'] ?? 'none', $r->none ?? 'none'],
    'var_dump' => fn ($r) => printed(fn () => var_dump($r)),
    'print_r' => fn ($r) => print_r($r, true),
    'var_export' => fn ($r) => var_export($r, true),
    'json_encode' => fn ($r) => json_encode($r),
    'serialize' => function ($r) {
        try {
            return serialize($r);
        } catch (Exception $e) {
            return $e->getMessage();
        }
    },
    'cast' => fn ($r) => (array) $r,
    'get_object_vars' => fn ($r) => get_object_vars($r),
    'get_mangled_object_vars' => fn ($r) => get_mangled_object_vars($r),
    'foreach' => function ($r) {
        foreach ($r as $name => $value) {
            $all[$name] = $value;
        }
        return $all;
    },
    'foreach by reference' => function ($r) {
        foreach ($r as $name => &$value) {
            is_array($value) && $value['changed'] = 1;
        }
        unset($value);
        return (array) $r;
    },
    'reference' => function ($r) {
        $get = &$r->get;
        $get['a'] = 'changed';
        return $r->get;
    },
    'by reference' => fn ($r) => [change($r->header), $r->header],
    'append' => function ($r) {
        $r->get['b'][] = 2;
        return $r->get;
    },
    'unset of an item' => function ($r) {
        unset($r->header['host']);
        return $r->header;
    },
    'unset' => function ($r) {
        try {
            unset($r->get);
        } catch (Error $e) {
            return [$e->getMessage(), $r->get];
        }
    },
    'written' => function ($r) {
        $r->get = ['mine'];
        $r->header = null;
        return [$r->get, $r->header, (array) $r];
    },
    'written after' => function ($r) {
        $before = $r->server;
        $r->server = ['mine'];
        return [$before, $r->server, $r->getMethod()];
    },
    'written by operator' => function ($r) {
        $r->cookie += ['mine' => 1];
        $r->post ??= 'mine';
        $r->get ??= 'mine';
        return [$r->cookie, $r->post, $r->get];
    },
    'dynamic' => function ($r) {
        $r->mine = 1;
        return (array) $r;
    },
    'reflection' => function ($r) {
        foreach ((new ReflectionObject($r))->getProperties() as $property) {
            $all[$property->getName()] = [$property->isInitialized($r), $property->getValue($r)];
        }
        return $all;
    },
    'compared' => fn ($r) => [$r == $r, $r == new stdClass, $r == Swoole\Http\Request::create(), Swoole\Http\Request::create() == $r],
    'closure' => fn ($r) => Closure::bind(function () { return [$this->get, $this->cookie]; }, $r)(),
    'array functions' => fn ($r) => [array_keys($r->header), count($r->server), array_map('strtoupper', $r->cookie), array_column([$r], 'get')],
    'collected' => function ($r) {
        $r->self = $r;
        gc_collect_cycles();
        return [$r->get, count((array) $r)];
    },
    'kept' => function ($r) {
        $copy = $r->header;
        $r->header['more'] = 1;
        return [$copy, $r->header];
    },
];
$plain = fn ($value) => preg_replace(['~\b\d{10}(\.\d+)?\b~', '~#\d+|(remote_port\D+)\d+|("?fd\D+)\d+|s:\d+~', '~refcount\(\d+\)~'], ['T', '$1$2N', ''], is_string($value) ? $value : print_r($value, true));
foreach (['without coroutines' => false, 'in coroutines' => true] as $title => $co) {
    echo "== $title\n";
    $i = 0;
    $first = null;
    http_serve(['enable_coroutine' => $co], function ($request, $response) use ($ways, $plain, &$i, &$first) {
        // Each case twice: unread, and with everything read before.
        $way = array_keys($ways)[($i >> 1) % count($ways)];
        if ($i++ & 1) {
            [$request->header, $request->server, $request->cookie, $request->get];
            $second = $plain($ways[$way]($request));
            $response->end("$way: " . ($first === $second && $first !== '' ? 'same' : "\n$first\n---\n$second") . "\n");
        } else {
            $first = $plain($ways[$way]($request));
            $response->end($first);
        }
    }, function () use ($ways) {
        $s = http_dial();
        foreach (array_merge(array_keys($ways), array_keys($ways), array_keys($ways)) as $round => $way) {
            for ($n = 0; $n < 2; $n++) {
                fwrite($s, "GET /p%20q?a=1&d[]=2 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-A: 2\r\nCookie: c=3; e=%41\r\n\r\n");
                $said = http_answer($s)[2];
                if ($round >= count($ways)) {
                    $n && !str_ends_with($said, ": same\n") && print("again $said");
                } elseif ($n || in_array($way, ['header', 'cookie', 'get', 'isset', 'empty', 'a field'])) {
                    echo $n ? $said : json_encode(preg_split('~\s+~', trim($said))) . "\n";
                }
            }
        }
    });
}
?>
--EXPECT--
== without coroutines
["Array","(","[host]","=>","h","[x-a]","=>","Array","(","[0]","=>","1","[1]","=>","2",")",")"]
header: same
server: same
["Array","(","[c]","=>","3","[e]","=>","A",")"]
cookie: same
["Array","(","[a]","=>","1","[d]","=>","Array","(","[0]","=>","2",")",")"]
get: same
nothing of it: same
["Array","(","[0]","=>","h","[1]","=>","1","[2]","=>","3","[3]","=>","\/p%20q",")"]
a field: same
method: same
by name: same
nullsafe: same
["Array","(","[0]","=>","1","[1]","=>","1","[2]","=>","1","[3]","=>","[4]","=>","[5]","=>",")"]
isset: same
["Array","(","[0]","=>","[1]","=>","[2]","=>","1",")"]
empty: same
coalesce: same
var_dump: same
print_r: same
var_export: same
json_encode: same
serialize: same
cast: same
get_object_vars: same
get_mangled_object_vars: same
foreach: same
foreach by reference: same
reference: same
by reference: same
append: same
unset of an item: same
unset: same
written: same
written after: same
written by operator: same
dynamic: same
reflection: same
compared: same
closure: same
array functions: same
collected: same
kept: same
== in coroutines
["Array","(","[host]","=>","h","[x-a]","=>","Array","(","[0]","=>","1","[1]","=>","2",")",")"]
header: same
server: same
["Array","(","[c]","=>","3","[e]","=>","A",")"]
cookie: same
["Array","(","[a]","=>","1","[d]","=>","Array","(","[0]","=>","2",")",")"]
get: same
nothing of it: same
["Array","(","[0]","=>","h","[1]","=>","1","[2]","=>","3","[3]","=>","\/p%20q",")"]
a field: same
method: same
by name: same
nullsafe: same
["Array","(","[0]","=>","1","[1]","=>","1","[2]","=>","1","[3]","=>","[4]","=>","[5]","=>",")"]
isset: same
["Array","(","[0]","=>","[1]","=>","[2]","=>","1",")"]
empty: same
coalesce: same
var_dump: same
print_r: same
var_export: same
json_encode: same
serialize: same
cast: same
get_object_vars: same
get_mangled_object_vars: same
foreach: same
foreach by reference: same
reference: same
by reference: same
append: same
unset of an item: same
unset: same
written: same
written after: same
written by operator: same
dynamic: same
reflection: same
compared: same
closure: same
array functions: same
collected: same
kept: same
