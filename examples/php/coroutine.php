<?php
// A tour: ids, contexts, parents, joining, cancellation, and cancellation by exception.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/coroutine.php
use Swoole\Coroutine as Co;

Co\run(function () {
    echo 'this is coroutine ', Co::getCid(), "\n";
    Co::getContext()['name'] = 'main';
    $ids = [];
    foreach (['a' => 0.03, 'b' => 0.01] as $name => $time) {
        $ids[] = go(function () use ($name, $time) {
            Co::getContext()['name'] = $name;
            Co::sleep($time);
            echo 'coroutine ', Co::getCid(), ' of ', Co::getPcid(), ' is still ', Co::getContext()['name'], "\n";
        });
    }
    echo 'alive: ', implode(', ', iterator_to_array(Co::list(), false)), "\n";
    Co::join($ids);
    echo Co::getContext()['name'], " has waited for both\n";

    $sleeper = go(function () {
        echo 'slept to the end: ', var_export(Co::sleep(60), true), ', cancelled: ', var_export(Co::isCanceled(), true), "\n";
    });
    Co::cancel($sleeper);

    $worker = go(function () {
        try {
            Co::sleep(60);
        } catch (Swoole\Coroutine\CanceledException) {
            echo "asked to stop\n";
        } finally {
            echo "cleaned up\n";
        }
    });
    Co::cancel($worker, true);
    echo 'alive: ', Co::stats()['coroutine_num'], "\n";
});
