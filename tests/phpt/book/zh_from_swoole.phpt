--TEST--
The programs of the Chinese chapter "from-swoole" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('../../book-zh/src/from-swoole');
?>
--EXPECT--
done
