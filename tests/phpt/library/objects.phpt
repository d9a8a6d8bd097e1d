--TEST--
Arrays, strings and proxies as objects: copies and changes in place, missing keys, characters and bytes
--EXTENSIONS--
swoole
mbstring
--FILE--
<?php
$list = _array([5, 3, 8, 3]);
echo $list->sort()->join('-'), ' ', $list->slice(1, 2)->sum(), ' ', $list->map(fn ($v) => $v * 2)->join(','), ' ', $list->join(','), "\n";
echo json_encode([$list->remove(3, true, true)->toArray(), $list->indexOf(8), $list->lastIndexOf(1), $list->getOr('none', 'other'), $list['none']]), "\n";
echo json_encode([swoole_array_default_value(['k' => null], 'k', 1), swoole_array_default_value(['5' => 'five'], '5'), swoole_array_default_value([], 'k', 1), swoole_array_list(1, 2)->toArray()]), "\n";
foreach ([_string('Größe'), _mbstring('Größe')] as $s) {
    echo $s->length(), ' ', $s->indexOf('ß'), ' ', $s->substr(2, 2), ' ', $s->chunk(3)->count(), ' ', $s->append('!')->endsWith('!') ? 'changed' : '', ' ', $s->upper()->lower()->length(), "\n";
}
class Target { public $list = [1]; function add($a, $b = 10) { return $a + $b; } function __invoke() { return 'called'; } }
$proxy = new Swoole\ObjectProxy(new Target);
echo $proxy->add(b: 1, a: 2), ' ', $proxy(), ' ', isset($proxy->list) ? 'set' : 'unset', "\n";
try {
    clone new Swoole\Database\ObjectProxy(new Target);
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
swoole_library_set_option('one', 1);
echo json_encode([swoole_library_get_options(), swoole_library_get_option('two'), SwooleLibrary::$options['one']]), "\n";
echo Swoole\Http\Status::getReasonPhrase(404), ' ', Swoole\Http\Status::NOT_FOUND, ' ', Swoole\Http\Status::getReasonPhrase(999), "\n";
?>
--EXPECT--
3-3-5-8 8 6,6,10,16 3,3,5,8
[{"2":5,"3":8},3,null,"other",null]
[null,"five",1,[1,2]]
7 4 ö 3 changed 8
5 3 öß 2 changed 6
3 called set
a database connection cannot be cloned
[{"one":1},null,1]
Not Found 404 Unknown
