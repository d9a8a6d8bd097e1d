<?php
// Another program in a child process, with its input and output connected to the parent's end of the pipe.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/process_exec.php
use Swoole\Process;

$child = new Process(function (Process $self) {
    // Does not return: the process runs that program from here on.
    $self->exec('/bin/sh', ['-c', 'read line; echo "it read: $line"; exit 3']);
}, redirect_stdin_and_stdout: true);
$child->start();
$child->write("a line\n");
echo $child->read();
echo 'it exited with ', Process::wait()['code'], "\n";
