//! Native stacks and the switch between them. A [`Stack`] runs one body after another, each with its own [`VmState`].
//!
//! Invariants: [`Stack::start`] and [`Stack::resume`] return when the body suspends or ends; a body gives up control only
//! through [`Stack::suspend`]. The memory of a stack with a suspended body is never reused, because live frames are on it.
//!
//! Performance: the functions of a switch are inlined into PHP's entry function. The CPU's return predictor mispredicts
//! every return behind a switch, so each additional frame costs as much as the switch itself.

use crate::thread::ThreadBound;
use crate::vm_state::VmState;
use corosensei::stack::valgrind::ValgrindStackRegistration;
use corosensei::stack::{Stack as NativeStack, StackPointer};
use corosensei::{Coroutine, Yielder};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr::{null, null_mut};

/// The state of a body after a switch to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has suspended.
    Suspended,
    /// It has ended.
    Finished {
        /// Whether a fatal error ended it.
        failed: bool,
    },
}

/// A native stack with an executor state. An idle one can start another body.
pub struct Stack(Box<Inner>);

/// The state of a stack's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyState {
    /// No body was started, or the last one has ended.
    Idle {
        failed: bool,
    },
    Running,
    Suspended,
}

struct Inner {
    vm_state: VmState,
    native: UnsafeCell<Option<Coroutine<(), (), (), PooledStack>>>,
    yielder: Cell<*const Yielder<(), ()>>,
    body: Cell<fn()>,
    state: Cell<BodyState>,
    /// The address from which the stack grows downwards.
    base: usize,
    /// The approximate stack pointer at the last suspension.
    suspended_at: Cell<usize>,
}

impl Stack {
    /// A new idle stack; `None` if there is no memory for it.
    pub fn new() -> Option<Self> {
        let stack = PooledStack::take()?;
        let inner = Box::new(Inner {
            vm_state: VmState::new(stack.base().get(), stack.lowest + PAGE),
            native: UnsafeCell::new(None),
            yielder: Cell::new(null()),
            body: Cell::new(|| {}),
            state: Cell::new(BodyState::Idle { failed: false }),
            base: stack.base().get(),
            suspended_at: Cell::new(0),
        });
        let address: *const Inner = &raw const *inner;
        let run = move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: the box does not move, and `Inner::drop` resets or leaks this native stack before the box is freed.
            let inner = unsafe { &*address };
            inner.yielder.set(yielder);
            loop {
                // SAFETY: only `start` switches here, after `VmState::begin`, and this is the stack of that state.
                let failed = unsafe { inner.vm_state.run(inner.body.get()) };
                inner.state.set(BodyState::Idle { failed });
                yielder.suspend(());
            }
        };
        // SAFETY: `inner` was created above and not shared, so nothing else accesses the cell.
        unsafe { *inner.native.get() = Some(Coroutine::with_stack(stack, run)) };
        Some(Stack(inner))
    }

    /// Runs `body` until it suspends or ends. Panics unless the stack is idle.
    #[inline(always)]
    pub fn start(&self, body: fn()) -> Progress {
        assert!(matches!(self.0.state.get(), BodyState::Idle { .. }), "the stack is idle");
        self.0.body.set(body);
        // SAFETY: the assertion shows that no body runs or is suspended here, so control continues in the loop of `new`,
        // which calls `VmState::run`.
        unsafe {
            self.0.vm_state.begin();
            self.0.state.set(BodyState::Running);
            self.switch()
        }
    }

    /// Continues the suspended body until it suspends again or ends. Panics if none is suspended.
    #[inline(always)]
    pub fn resume(&self) -> Progress {
        assert!(self.0.state.get() == BodyState::Suspended, "the body is suspended");
        // SAFETY: the assertion shows that the body is suspended, so control continues behind its `suspend`.
        unsafe {
            self.0.vm_state.resume();
            self.0.state.set(BodyState::Running);
            self.switch()
        }
    }

    /// # Safety
    /// `VmState::begin` or `VmState::resume` was called for this switch.
    #[inline(always)]
    unsafe fn switch(&self) -> Progress {
        // SAFETY: `start` and `resume` have asserted that no body runs here, so no other reference to the native coroutine
        // exists; while it runs it is reached through the yielder only.
        if let Some(native) = unsafe { &mut *self.0.native.get() } {
            let outer = RUNNING.get().replace(&raw const *self.0);
            let _ = native.resume(());
            RUNNING.get().set(outer);
        }
        match self.0.state.get() {
            BodyState::Idle { failed } => Progress::Finished { failed },
            BodyState::Running | BodyState::Suspended => Progress::Suspended,
        }
    }

    /// Switches to the resumer and returns when the body is resumed. Panics unless the body itself calls it.
    #[inline(always)]
    pub fn suspend(&self) {
        let marker = 0u8;
        let here = &raw const marker as usize;
        assert!(std::ptr::eq(RUNNING.get().get(), &raw const *self.0), "a body suspends only its own stack");
        self.0.suspended_at.set(here);
        self.0.state.set(BodyState::Suspended);
        // SAFETY: the assertion shows that the body runs, on this stack or on that of a Fiber it has started. So `new` has
        // set the yielder, whose frame is alive, and control returns to the resumer.
        unsafe {
            self.0.vm_state.suspend();
            (*self.0.yielder.get()).suspend(());
        }
    }

    /// The executor state, for the backtrace of a suspended body.
    pub fn vm_state(&self) -> &VmState {
        &self.0.vm_state
    }

    /// Bytes of native stack in use: now if the body is `running`, otherwise at its last suspension.
    pub fn usage(&self, running: bool) -> usize {
        let marker = 0u8;
        let at = if running { &raw const marker as usize } else { self.0.suspended_at.get() };
        self.0.base.saturating_sub(at)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let native = self.native.get_mut().take();
        match (native, self.state.get()) {
            (Some(mut native), BodyState::Idle { .. }) => {
                // SAFETY: between two bodies only the loop of `new` is on the stack, and it owns nothing to drop.
                unsafe { native.force_reset() };
            }
            // Frames of a suspended body are on the stack. Unwinding must not cross its C frames, so it is leaked.
            (native, _) => std::mem::forget(native),
        }
    }
}

/// The stack whose body runs; null outside of bodies.
static RUNNING: ThreadBound<Cell<*const Inner>> = ThreadBound::new(Cell::new(null()));

/// A mapping of [`STACK_SIZE`] bytes; only touched pages consume memory.
struct PooledStack {
    lowest: usize,
    /// Registers the stack with valgrind, if the process runs under it.
    _valgrind: ValgrindStackRegistration,
}

thread_local! {
    /// The lowest addresses of unused stacks.
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// Guard pages made with mprotect(2), each of which adds an entry to the memory map of the process.
    static GUARD_MAPPINGS: Cell<u32> = const { Cell::new(0) };
}

impl PooledStack {
    fn take() -> Option<Self> {
        let lowest = match FREE.with_borrow_mut(Vec::pop) {
            Some(lowest) => lowest,
            None => {
                let chunk = map_chunk()?;
                FREE.with_borrow_mut(|free| {
                    free.extend((0..STACKS_PER_CHUNK).rev().map(|n| chunk + n * STACK_SIZE));
                    free.pop()
                })?
            }
        };
        let _valgrind = ValgrindStackRegistration::new(lowest as *mut u8, STACK_SIZE);
        Some(PooledStack { lowest, _valgrind })
    }
}

/// Maps memory for [`STACKS_PER_CHUNK`] stacks with guard pages; returns its lowest address.
fn map_chunk() -> Option<usize> {
    // SAFETY: the kernel chooses an unused address for an anonymous mapping; `madvise` gets the range just mapped.
    unsafe {
        let chunk = libc::mmap(
            null_mut(),
            STACK_SIZE * STACKS_PER_CHUNK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if chunk == libc::MAP_FAILED {
            return None;
        }
        // Transparent huge pages would back each stack with 2 MiB although most touch a few pages.
        libc::madvise(chunk, STACK_SIZE * STACKS_PER_CHUNK, libc::MADV_NOHUGEPAGE);
        let chunk = chunk as usize;
        for n in 0..STACKS_PER_CHUNK {
            install_guard_page(chunk + n * STACK_SIZE);
        }
        Some(chunk)
    }
}

/// Makes access to the lowest page of a stack fault, so that an overflow does not overwrite its neighbour.
///
/// # Safety
/// `lowest` is the lowest address of a mapped stack that is not in use.
unsafe fn install_guard_page(lowest: usize) {
    // SAFETY: the caller passes the start of a mapped stack of STACK_SIZE bytes that is not in use, so the first page exists.
    unsafe {
        // Linux 6.13 and later: a guard page without a separate memory map entry, of which a process has 65,530.
        if libc::madvise(lowest as *mut _, PAGE, MADV_GUARD_INSTALL) == 0 {
            return;
        }
        if GUARD_MAPPINGS.get() < MAX_GUARD_MAPPINGS {
            GUARD_MAPPINGS.set(GUARD_MAPPINGS.get() + 1);
            libc::mprotect(lowest as *mut _, PAGE, libc::PROT_NONE);
        }
    }
}

// SAFETY: `base` and `limit` are the ends of a 2 MiB mapping that is never unmapped and whose lowest page is a guard.
unsafe impl NativeStack for PooledStack {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.lowest + STACK_SIZE).unwrap_or(StackPointer::MIN)
    }
    fn limit(&self) -> StackPointer {
        StackPointer::new(self.lowest).unwrap_or(StackPointer::MIN)
    }
}

impl Drop for PooledStack {
    fn drop(&mut self) {
        let lowest = self.lowest;
        // SAFETY: the owner is being dropped, so nothing uses the range; its pages are released, the mapping stays.
        unsafe { libc::madvise((lowest + PAGE) as *mut _, STACK_SIZE - PAGE, libc::MADV_DONTNEED) };
        let _ = FREE.try_with(|free| free.borrow_mut().push(lowest));
    }
}

/// Bytes of address space of one stack, guard page included.
pub const STACK_SIZE: usize = 2 * 1024 * 1024;
const STACKS_PER_CHUNK: usize = 16;
const PAGE: usize = 4096;
/// `MADV_GUARD_INSTALL` of madvise(2).
const MADV_GUARD_INSTALL: i32 = 102;
/// A quarter of the memory map entries of a process; each guard page splits a mapping and costs up to two.
const MAX_GUARD_MAPPINGS: u32 = 16_000;
