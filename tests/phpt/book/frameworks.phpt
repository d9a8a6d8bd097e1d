--TEST--
The programs of the chapter "Frameworks" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('guide/frameworks');
?>
--EXPECT--
done
