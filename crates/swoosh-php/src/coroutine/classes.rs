//! Classes of PHP that coroutines make objects of. They are registered by the layer that gives them methods.

use swoosh_zend::ClassSlot;

/// `Swoole\Coroutine\Context`.
pub static CONTEXT: ClassSlot = ClassSlot::new();
/// `Swoole\Coroutine\CanceledException`.
pub static CANCELED: ClassSlot = ClassSlot::new();
/// `Swoole\Coroutine\TimeoutException`.
pub static TIMEOUT: ClassSlot = ClassSlot::new();
/// `Swoole\ExitException`.
pub static EXIT: ClassSlot = ClassSlot::new();
