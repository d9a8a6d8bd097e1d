--TEST--
Values that programs compare: timer counters, the order of coroutines, dispatch without events, priority errors, methods of incomplete requests, vector arguments
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\{Coroutine as Co, Event, Http\Request, Process, Timer};
$seen = [];
$id = Timer::tick(5, function ($id) use (&$seen) {
    $info = Timer::info($id);
    $seen[] = [$info['exec_count'], $info['round']];
    count($seen) === 3 && Timer::clear($id);
});
Event::wait();
echo 'exec_count and round: ', json_encode($seen), "\n";
echo 'dispatch of nothing: ', json_encode(Event::dispatch()), "\n";
Timer::after(1, fn () => print("a timer fires\n"));
while (Timer::stats()['num']) {
    Event::dispatch();
}
Co\run(function () {
    for ($n = 0; $n < 3; $n++) {
        go(fn () => Co::sleep(0.001));
    }
    echo 'list: ', implode(' ', array_map(fn ($id) => $id - Co::getCid(), iterator_to_array(Co::list(), false))), "\n";
    $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    foreach (['writeVector' => [['a', 1], [null]], 'writeVectorAll' => [[['a']]], 'readVector' => [['a'], [1, 0], [1.5]], 'readVectorAll' => [[-1], [true]]] as $method => $all) {
        foreach ($all as $vector) {
            try {
                $socket->$method($vector);
            } catch (Co\Socket\Exception $e) {
                echo "$method: ", $e->getCode() === SOCKET_EINVAL ? $e->getMessage() : 'wrong code', "\n";
            }
        }
    }
    var_dump(@$socket->readVector([]), $socket->errCode === SOCKET_EINVAL, @$socket->readVectorAll(array_fill(0, 1025, 1)), @$socket->readVector([PHP_INT_MAX, PHP_INT_MAX]));
});
$process = new Process(fn () => null);
foreach ([[PRIO_USER, null], [99, null], [PRIO_PROCESS, 99999999]] as [$which, $who]) {
    echo json_encode([@$process->setPriority($which, 1, $who), swoole_last_error(), @$process->getPriority($which, $who), swoole_last_error()]), "\n";
}
$request = Request::create();
foreach (['', 'PO', "ST /a HTTP/1.1\r\nHo", "st: a\r\nContent-Length: 1\r\n\r\n", 'x'] as $part) {
    $request->parse($part);
    echo $request->getMethod(), ' ', json_encode($request->isCompleted()), "\n";
}
?>
--EXPECT--
exec_count and round: [[0,0],[1,0],[2,0]]
dispatch of nothing: false
a timer fires
list: 3 2 1 0
writeVector: Item #[1] must be of type string, int given
writeVector: Item #[0] must be of type string, null given
writeVectorAll: Item #[0] must be of type string, array given
readVector: Item #[0] must be of type int, string given
readVector: Item #[1] must be greater than 0
readVector: Item #[0] must be of type int, float given
readVectorAll: Item #[0] must be greater than 0
readVectorAll: Item #[0] must be of type int, bool given
bool(false)
bool(true)
bool(false)
bool(false)
[false,505,false,505]
[false,22,false,22]
[false,3,false,3]
DELETE false
DELETE false
POST false
POST false
POST true
