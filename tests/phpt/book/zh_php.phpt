--TEST--
The programs of the Chinese chapter "php" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('../../book-zh/src/php');
?>
--EXPECT--
done
