//! The state of an asynchronous client, and its callbacks.

use crate::coroutine::packet_reader::PacketReader;
use crate::coroutine::socket::CoroutineSocket;
use socket2::SockAddr;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use swoosh::tls::{ClientTls, verify};
use swoosh_zend::error::warning;
use swoosh_zend::{Callable, IntoZval, Object, PhpResult, ZStr, Zval};

/// The progress of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    #[default]
    Idle,
    Connecting,
    Connected,
}

/// The events of a client.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Connect,
    Receive,
    Close,
    Error,
    BufferFull,
    BufferEmpty,
}

/// The state of an asynchronous client.
#[derive(Default)]
pub(crate) struct AsyncState {
    pub(super) phase: Cell<Phase>,
    /// The number of the connection.
    pub(super) number: Cell<u64>,
    pub(super) link: RefCell<Option<Rc<CoroutineSocket>>>,
    /// The address that datagrams are sent to.
    pub(super) peer: RefCell<Option<SockAddr>>,
    pub(super) packets: PacketReader,
    pub(super) callbacks: RefCell<[Option<Rc<Callable>>; 6]>,
    /// `sleep`: nothing is read.
    pub(super) asleep: Cell<bool>,
    /// The reading coroutine while it is asleep.
    pub(super) reader: RefCell<Option<Waker>>,
    /// `enableSSL` was called: its callback.
    pub(super) tls_ready: RefCell<Option<Rc<Callable>>>,
    pub(super) tls: RefCell<Option<ClientTls>>,
    /// Bytes that the kernel has not taken yet; a coroutine writes them while there are any.
    pub(super) output: RefCell<Vec<u8>>,
    pub(super) is_writing: Cell<bool>,
    /// The last `connect` has failed.
    pub(super) has_failed: Cell<bool>,
    /// `close` is being called back.
    pub(super) is_closing: Cell<bool>,
    /// `bufferFull` was called and `bufferEmpty` was not yet.
    pub(super) is_full: Cell<bool>,
    /// `buffer_high_watermark`, `buffer_low_watermark` and `socket_buffer_size`, bytes.
    pub(super) watermarks: Cell<(usize, usize)>,
    pub(super) most: Cell<usize>,
}

impl AsyncState {
    pub(super) fn is_connected(&self) -> bool {
        self.phase.get() == Phase::Connected
    }

    /// The socket of the connection.
    pub(super) fn link(&self) -> Option<Rc<CoroutineSocket>> {
        self.link.borrow().clone()
    }

    pub(super) fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(callbacks) = self.callbacks.try_borrow() {
            // A callable that a call in progress holds as well is visited once.
            callbacks.iter().flatten().filter(|callback| Rc::strong_count(callback) == 1).for_each(|c| c.trace(visit));
        }
    }

    pub(super) fn verify_peer(&self, allow_self_signed: bool) -> bool {
        let (Some(link), Some(mut wanted)) = (self.link(), self.tls.borrow().clone()) else {
            warning("the connection does not use TLS");
            return false;
        };
        wanted.allow_self_signed = allow_self_signed;
        let shown = link.peer_certificates();
        verify(&wanted, &shown.iter().map(Vec::as_slice).collect::<Vec<_>>()).is_ok()
    }

    pub(super) fn has(&self, event: Event) -> bool {
        self.callbacks.borrow()[event as usize].is_some()
    }

    /// Calls the callback of `close`.
    pub(super) fn notify_close(&self, client: &Object) -> PhpResult<()> {
        self.is_closing.set(true);
        let called = self.notify(Event::Close, client, None);
        self.is_closing.set(false);
        called
    }

    /// Calls the callback of an event.
    pub(super) fn notify(&self, event: Event, client: &Object, data: Option<ZStr>) -> PhpResult<()> {
        let callback = self.callbacks.borrow()[event as usize].clone();
        let Some(callback) = callback else { return Ok(()) };
        let mut arguments = vec![client.clone().into_zval()];
        arguments.extend(data.map(IntoZval::into_zval));
        callback.call(&mut arguments).map(drop)
    }
}
