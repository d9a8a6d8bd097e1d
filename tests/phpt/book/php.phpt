--TEST--
The programs of the chapter "Writing servers in PHP" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('guide/php');
?>
--EXPECT--
done
