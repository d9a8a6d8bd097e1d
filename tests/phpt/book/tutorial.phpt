--TEST--
The tutorial of the book, followed from an empty folder, gets a chat, a task queue, a MySQL pool and a gRPC service running, and deploys
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'pdo_mysql'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
$database = new MariaDb();
$database->pdo()->exec('CREATE DATABASE tour');
chapter('guide/tutorial', ['3306' => $database->port, '/path/to/swoosh/kit' => dirname(BOOK, 3) . '/kit']);
?>
--EXPECT--
done
