//! The PHP classes that this layer creates objects of. The `api` layer registers them together with their methods.

use swoosh_zend::ClassSlot;

/// `Swoole\Coroutine\Context`.
pub static CONTEXT: ClassSlot = ClassSlot::new();
/// `Swoole\Coroutine\CanceledException`.
pub static CANCELED: ClassSlot = ClassSlot::new();
/// `Swoole\Coroutine\TimeoutException`.
pub static TIMEOUT: ClassSlot = ClassSlot::new();
/// `Swoole\ExitException`.
pub static EXIT: ClassSlot = ClassSlot::new();
/// `Swoole\Coroutine\Curl\Exception`.
pub static CURL: ClassSlot = ClassSlot::new();
