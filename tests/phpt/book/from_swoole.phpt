--TEST--
The programs of the chapter "Coming from Swoole" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('migrate/swoole');
?>
--EXPECT--
done
