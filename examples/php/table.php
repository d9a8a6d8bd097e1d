<?php
// A table that processes share: rows of typed columns, read without a lock, and consistent even if a writer is killed.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/table.php
use Swoole\Process;
use Swoole\Table;

$table = new Table(1024); // rows; created before the first fork
$table->column('name', Table::TYPE_STRING, 32);
$table->column('visits', Table::TYPE_INT);
$table->column('load', Table::TYPE_FLOAT);
$table->create();

$table->set('rome', ['name' => 'Roma', 'load' => 0.5]);
for ($n = 0; $n < 4; $n++) {
    (new Process(function () use ($table) {
        for ($i = 0; $i < 1000; $i++) {
            $table->incr('rome', 'visits'); // no increment is lost
        }
    }, false, 0))->start();
}
while (Process::wait());
echo json_encode($table->get('rome')), "\n";

$table->set('oslo', ['name' => 'Oslo']);
$table->cmpset('oslo', ['visits' => 0], ['visits' => 7]); // only if the value is unchanged
foreach ($table as $key => $row) {
    echo "$key: $row[name] $row[visits]\n";
}
$table->del('rome');
echo count($table), ' row, ', json_encode($table->exists('rome')), "\n";

// A full table refuses new rows with an error; it never drops a row.
for ($n = 0; @$table->set("row $n", []); $n++);
echo 'full: ', count($table), ' rows, code ', swoole_last_error(), "\n";
