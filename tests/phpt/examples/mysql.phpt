--TEST--
Examples of MySQL: short and long connections, a lost one, and a pool whose server is restarted meanwhile
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'pdo_mysql'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
require __DIR__ . '/../inc/example.inc';
Example::$more = ['mysqlnd', 'pdo', 'pdo_mysql'];
$server = new MariaDb();
$example = Example::run('mysql', $server->port);
$example->end();
echo $example->printed();
$pool = Example::run('mysql_pool', $server->port, 2);
$pool->waitFor('~round 1.*~');
$server->stop();
$server->start();
$pool->end();
// The pool may ask while nobody listens; nothing else may fail.
echo preg_replace('~^a query failed: .*(gone away|refused).*\n~m', '', $pool->printed());
?>
--EXPECTF--
short: 20 queries of 0.2 s each took less than 2 s
long: the sum of 100 squares is 338350
reconnect: another connection answers 42, the 1. replacement
transaction: it fails, and is not continued on another connection
round 1: 100 answers by %d connections
round 2: %d answers by %d connections
