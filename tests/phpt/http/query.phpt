--TEST--
HTTP: queries and cookies become the arrays that parse_str makes, simple and odd ones alike
--EXTENSIONS--
swoole
--INI--
max_input_vars=5
--FILE--
<?php
$parse = function (string $query, string $cookie = ''): array {
    $request = Swoole\Http\Request::create();
    $request->parse("GET /?$query HTTP/1.1\r\nHost: a\r\nCookie: $cookie\r\n\r\n");
    return [$request->get, $request->cookie];
};
$queries = [
    'a=1', 'a', 'a=', '=a', '&', '&&a=1&&', 'a=b=c', 'a==b', 'a=1&a=2', '0=x&1=y&01=z', '-5=a&x-y_z=1', 'a.b=1&c=d.e', '1.5=x',
    'a[]=1&a[]=2', 'a[b]=1', 'a%20b=c%2B', 'a=1+2', 'a=%zz', 'Content-Type=text-html', 'a=1&b=2&c=3&d=4&e=5',
    'a=1&b=2&c=3&d=4&e=5&f=6', '9223372036854775807=a&9223372036854775808=b', 'a_=1&_=2&-=3', '-9223372036854775808=a&-9223372036854775809=b',
];
foreach ($queries as $query) {
    @parse_str($query, $expected);
    [$get] = @$parse($query);
    if (($get ?? []) !== $expected) {
        echo "$query: ", json_encode($get), " instead of ", json_encode($expected), "\n";
    }
}
foreach (['a=1; b=2; a=3', 'a', '=x', '5=five; 5=again', 'a%3D=b%20c', 'x.y=1', 'l[]=1; l[]=2', 'a=1;b=2;c=3;d=4;e=5;f=6'] as $cookie) {
    echo $cookie, ': ', json_encode($parse('', $cookie)[1]), "\n";
}
?>
--EXPECT--
a=1; b=2; a=3: {"a":"1","b":"2"}
a: {"a":""}
=x: []
5=five; 5=again: {"5":"five"}
a%3D=b%20c: {"a%3D":"b c"}
x.y=1: {"x_y":"1"}
l[]=1; l[]=2: {"l":["1","2"]}
a=1;b=2;c=3;d=4;e=5;f=6: {"a":"1","b":"2","c":"3","d":"4","e":"5"}