//! Channels: a queue of values, and queues of the coroutines that wait to push or to pop.
//!
//! Invariant: an operation that makes the first waiter ready runs it immediately, so no third coroutine can take its value
//! or its place in between.

use super::scheduler::{Coroutine, expect_current};
use super::switch::wake;
use super::types::{WaitKind, WakeReason};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::{PhpResult, Zval};

/// Why a push or pop failed; the values are those of `errCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelError {
    /// SWOOLE_CHANNEL_TIMEOUT.
    TimedOut = -1,
    /// SWOOLE_CHANNEL_CLOSED.
    Closed = -2,
    /// SWOOLE_CHANNEL_CANCELED.
    Cancelled = -3,
}

/// A channel.
#[derive(Default)]
pub struct Channel {
    capacity: Cell<usize>,
    closed: Cell<bool>,
    values: RefCell<VecDeque<Zval>>,
    producers: WaitQueue,
    consumers: WaitQueue,
}

/// Waiting coroutines in order of arrival. One that leaves early leaves an empty place behind.
#[derive(Default)]
struct WaitQueue {
    places: RefCell<VecDeque<Option<Rc<Coroutine>>>>,
    waiting: Cell<usize>,
    /// The number of the first place; places are numbered consecutively and never renumbered.
    first: Cell<u64>,
}

impl Channel {
    /// Sets the capacity, at least one; returns it.
    pub fn set_capacity(&self, capacity: i64) -> usize {
        self.capacity.set(usize::try_from(capacity).unwrap_or(1).max(1));
        self.capacity.get()
    }

    /// Whether the constructor has set the capacity.
    pub fn is_constructed(&self) -> bool {
        self.capacity.get() > 0
    }

    /// Appends a value. Waits at most `limit` while the channel is full.
    #[inline(always)]
    pub fn push(&self, value: Zval, limit: Option<Duration>) -> PhpResult<Result<(), ChannelError>> {
        let coroutine = expect_current()?;
        if self.closed.get() {
            return Ok(Err(ChannelError::Closed));
        }
        if self.is_full() || !self.producers.is_empty() {
            if let Err(refusal) = self.producers.wait(&coroutine, WaitKind::Push, limit)? {
                return Ok(Err(refusal));
            }
            if self.closed.get() {
                return Ok(Err(ChannelError::Closed));
            }
        }
        drop(coroutine);
        self.values.borrow_mut().push_back(value);
        self.consumers.wake_first()?;
        Ok(Ok(()))
    }

    /// Takes the first value. Waits at most `limit` while the channel is empty.
    #[inline(always)]
    pub fn pop(&self, limit: Option<Duration>) -> PhpResult<Result<Zval, ChannelError>> {
        let coroutine = expect_current()?;
        if self.is_empty() || !self.consumers.is_empty() {
            if self.closed.get() && self.is_empty() {
                return Ok(Err(ChannelError::Closed));
            }
            if let Err(refusal) = self.consumers.wait(&coroutine, WaitKind::Pop, limit)? {
                return Ok(Err(refusal));
            }
        }
        drop(coroutine);
        let value = self.values.borrow_mut().pop_front();
        let Some(value) = value else { return Ok(Err(ChannelError::Closed)) };
        self.producers.wake_first()?;
        Ok(Ok(value))
    }

    /// Closes the channel and wakes all waiters. False if it was closed already.
    pub fn close(&self) -> PhpResult<bool> {
        if self.closed.replace(true) {
            return Ok(false);
        }
        while self.producers.wake_first()? {}
        while self.consumers.wake_first()? {}
        Ok(true)
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.borrow().len()
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds as many values as its capacity.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity.get()
    }

    /// Visits its values for PHP's cycle collector.
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(values) = self.values.try_borrow() {
            values.iter().for_each(visit);
        }
    }

    /// The numbers of coroutines that wait to push and to pop.
    pub fn waiting(&self) -> (usize, usize) {
        (self.producers.waiting.get(), self.consumers.waiting.get())
    }
}

impl WaitQueue {
    #[inline]
    fn is_empty(&self) -> bool {
        self.waiting.get() == 0
    }

    /// Enqueues the coroutine and waits until it is the first and woken.
    #[inline(always)]
    fn wait(
        &self,
        coroutine: &Rc<Coroutine>,
        kind: WaitKind,
        limit: Option<Duration>,
    ) -> PhpResult<Result<(), ChannelError>> {
        let number = {
            let mut places = self.places.borrow_mut();
            places.push_back(Some(coroutine.clone()));
            self.first.get() + places.len() as u64 - 1
        };
        self.waiting.set(self.waiting.get() + 1);
        let woken = coroutine.wait(kind, limit);
        if woken != Ok(WakeReason::Done) {
            // No push, pop or close has removed it from the queue.
            self.leave(number);
        }
        Ok(match woken? {
            WakeReason::Done => Ok(()),
            WakeReason::TimedOut => Err(ChannelError::TimedOut),
            WakeReason::Cancelled => Err(ChannelError::Cancelled),
        })
    }

    fn leave(&self, number: u64) {
        let left = {
            let mut places = self.places.borrow_mut();
            let Some(at) = number.checked_sub(self.first.get()) else { return };
            let left = places.get_mut(at as usize).and_then(Option::take);
            while let Some(None) = places.front() {
                places.pop_front();
                self.first.set(self.first.get() + 1);
            }
            left
        };
        if left.is_some() {
            self.waiting.set(self.waiting.get() - 1);
        }
    }

    /// Removes and resumes the first waiter. False if there is none.
    #[inline(always)]
    fn wake_first(&self) -> PhpResult<bool> {
        if self.is_empty() {
            return Ok(false);
        }
        let first = loop {
            let mut places = self.places.borrow_mut();
            match places.pop_front() {
                None => return Ok(false),
                Some(place) => {
                    self.first.set(self.first.get() + 1);
                    if let Some(coroutine) = place {
                        break coroutine;
                    }
                }
            }
        };
        self.waiting.set(self.waiting.get() - 1);
        wake(first).map(|()| true)
    }
}
