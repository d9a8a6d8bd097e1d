--TEST--
The programs of the chapter "Coming from Node or Go" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('migrate/node-go');
?>
--EXPECT--
done
