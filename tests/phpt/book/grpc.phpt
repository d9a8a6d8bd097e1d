--TEST--
The programs of the chapter "HTTP/2 and gRPC" do and print what the book says
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
chapter('guide/grpc');
?>
--EXPECT--
done
