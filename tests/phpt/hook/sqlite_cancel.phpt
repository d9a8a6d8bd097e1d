--TEST--
SQLite: the cancel of a coroutine that waits for a locked database does not hold up the others
--EXTENSIONS--
swoole
pdo_sqlite
--FILE--
<?php
use Swoole\Coroutine as Co;
$file = tempnam(sys_get_temp_dir(), 'sqlite');
Co::set(['hook_flags' => SWOOLE_HOOK_ALL]);
Co\run(function () use ($file) {
    $holder = new PDO("sqlite:$file");
    $holder->exec('CREATE TABLE t (a)');
    $holder->exec('BEGIN IMMEDIATE');
    $ended = new Co\Channel();
    $id = go(function () use ($file, $ended) {
        $waiter = new PDO("sqlite:$file");
        $waiter->setAttribute(PDO::ATTR_TIMEOUT, 60);
        try {
            $waiter->exec('BEGIN IMMEDIATE');
            $ended->push('has the lock, cancelled: ' . json_encode(Co::isCanceled()));
        } catch (PDOException $e) {
            $ended->push('interrupted');
        }
    });
    Co::sleep(0.05);
    var_dump(Co::cancel($id));
    // Runs although the other still waits, and ends its wait.
    $holder->exec('COMMIT');
    var_dump(in_array($ended->pop(30), ['interrupted', 'has the lock, cancelled: true'], true));
});
unlink($file);
?>
--EXPECT--
bool(true)
bool(true)
