--TEST--
A deadlock is reported once, in Swoole's layout
--EXTENSIONS--
swoole
--FILE--
<?php
Swoole\Coroutine::create(function () { Swoole\Coroutine::yield(); });
Swoole\Event::wait();
?>
--EXPECTF--

 =================================================================
  [FATAL ERROR]: all coroutines (count: 1) are asleep - deadlock!
 =================================================================

  [Coroutine-1]
 -----------------------------------------------------------------
#0 %s(2): Swoole\Coroutine::yield()
#1 [internal function]: {closure%S}()

 =================================================================
