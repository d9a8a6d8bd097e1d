--TEST--
The programs of the chapter "Servers" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('guide/servers');
?>
--EXPECT--
done
