//! The switch between stacks: a vessel is a native stack with a PHP machine, on which one body after another runs.
//!
//! Whoever resumes a vessel gets control back when its body waits or is over; a body waits only by
//! [`Vessel::suspend`]. A stack whose body waits is never given back: somebody's frames are on it.
//!
//! What comes up to the switch is inlined into PHP's entry: the processor predicts no return that follows a switch, so
//! each frame on the way back costs as much as the switch itself.

use crate::machine::Machine;
use crate::thread::Home;
use corosensei::stack::valgrind::ValgrindStackRegistration;
use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, Yielder};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr::{null, null_mut};

/// How far a body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It waits.
    Waits,
    /// It is over.
    Over {
        /// By a fatal error.
        failed: bool,
    },
}

/// A native stack and a machine. Idle, it can take a new body.
pub struct Vessel(Box<Core>);

/// What the body of a vessel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is none, or it is over.
    Idle {
        failed: bool,
    },
    Runs,
    Waits,
}

struct Core {
    machine: Machine,
    native: UnsafeCell<Option<Coroutine<(), (), (), PooledStack>>>,
    yielder: Cell<*const Yielder<(), ()>>,
    body: Cell<fn()>,
    state: Cell<State>,
    top: usize,
    /// The stack pointer, roughly, of a body that waits.
    at: Cell<usize>,
}

impl Vessel {
    /// A new one; `None` where there is no memory for its stack.
    pub fn new() -> Option<Self> {
        let stack = PooledStack::take()?;
        let core = Box::new(Core {
            machine: Machine::new(),
            native: UnsafeCell::new(None),
            yielder: Cell::new(null()),
            body: Cell::new(|| {}),
            state: Cell::new(State::Idle { failed: false }),
            top: stack.base().get(),
            at: Cell::new(0),
        });
        let at: *const Core = &raw const *core;
        let run = move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: the core is boxed and outlives the stack that runs this.
            let core = unsafe { &*at };
            core.yielder.set(yielder);
            loop {
                // SAFETY: control came here by `start`, which called `begin`, and this stack is the machine's own.
                let failed = unsafe { core.machine.run(core.body.get()) };
                core.state.set(State::Idle { failed });
                yielder.suspend(());
            }
        };
        // SAFETY: nobody else has a reference to it yet.
        unsafe { *core.native.get() = Some(Coroutine::with_stack(stack, run)) };
        Some(Vessel(core))
    }

    /// Runs a body until it waits or is over. The vessel is idle.
    #[inline(always)]
    pub fn start(&self, body: fn()) -> Progress {
        assert!(matches!(self.0.state.get(), State::Idle { .. }), "a vessel takes one body at a time");
        self.0.body.set(body);
        // SAFETY: the machine is idle; control goes to the loop in `new` next, which calls `run`.
        unsafe {
            self.0.machine.begin();
            self.0.state.set(State::Runs);
            self.switch()
        }
    }

    /// Runs the body on until it waits again or is over. The body waits.
    #[inline(always)]
    pub fn resume(&self) -> Progress {
        assert!(self.0.state.get() == State::Waits, "only what waits is resumed");
        // SAFETY: the body waits, so control goes to its stack.
        unsafe {
            self.0.machine.resume();
            self.0.state.set(State::Runs);
            self.switch()
        }
    }

    /// # Safety
    /// The machine is told of the switch.
    #[inline(always)]
    unsafe fn switch(&self) -> Progress {
        // SAFETY: nobody else uses the native coroutine while it runs: it reaches its resumer through the yielder alone.
        if let Some(native) = unsafe { &mut *self.0.native.get() } {
            let outer = RUNNING.get().replace(&raw const *self.0);
            let _ = native.resume(());
            RUNNING.get().set(outer);
        }
        match self.0.state.get() {
            State::Idle { failed } => Progress::Over { failed },
            State::Runs | State::Waits => Progress::Waits,
        }
    }

    /// Gives control to the resumer. Called by the body; returns when it is resumed.
    #[inline(always)]
    pub fn suspend(&self) {
        let here = 0u8;
        let here = &raw const here as usize;
        assert!(std::ptr::eq(RUNNING.get().get(), &raw const *self.0), "only the body itself makes its vessel wait");
        self.0.at.set(here);
        self.0.state.set(State::Waits);
        // SAFETY: the body runs, on the vessel's stack or on one of a Fiber that it has started there: the yielder is set and
        // its frame alive; control goes to the resumer.
        unsafe {
            self.0.machine.suspend();
            (*self.0.yielder.get()).suspend(());
        }
    }

    /// The machine, for looking at a body that waits.
    pub fn machine(&self) -> &Machine {
        &self.0.machine
    }

    /// Bytes of native stack in use: of the body that runs now, or where it began to wait.
    pub fn stack_usage(&self, running: bool) -> usize {
        let here = 0u8;
        let at = if running { &raw const here as usize } else { self.0.at.get() };
        self.0.top.saturating_sub(at)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let native = self.native.get_mut().take();
        match (native, self.state.get()) {
            (Some(mut native), State::Idle { .. }) => {
                // SAFETY: between two bodies the stack holds the loop of `new` only, which owns nothing.
                unsafe { native.force_reset() };
            }
            // Frames that nobody left are on it: C's and Rust's, which no unwinding may cross.
            (native, _) => std::mem::forget(native),
        }
    }
}

/// The vessel whose body runs; null outside of vessels.
static RUNNING: Home<Cell<*const Core>> = Home::new(Cell::new(null()));

/// A stack of [`STACK`] bytes, of which only what is touched takes memory.
struct PooledStack {
    lowest: usize,
    /// Tells valgrind, where that runs, that this is a stack.
    _known: ValgrindStackRegistration,
}

thread_local! {
    /// Stacks that nobody uses: their lowest addresses.
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// Stacks whose lowest page was protected by an entry of its own in the process's memory map.
    static FENCES: Cell<u32> = const { Cell::new(0) };
}

impl PooledStack {
    fn take() -> Option<Self> {
        let lowest = match FREE.with_borrow_mut(Vec::pop) {
            Some(lowest) => lowest,
            None => {
                let chunk = map_chunk()?;
                FREE.with_borrow_mut(|free| {
                    free.extend((0..STACKS_A_CHUNK).rev().map(|n| chunk + n * STACK));
                    free.pop()
                })?
            }
        };
        let _known = ValgrindStackRegistration::new(lowest as *mut u8, STACK);
        Some(PooledStack { lowest, _known })
    }
}

/// Reserves memory for some stacks, each with a page below it that must not be touched.
fn map_chunk() -> Option<usize> {
    // SAFETY: a new anonymous mapping; nothing else is at its address. Advice about it changes no content.
    unsafe {
        let chunk = libc::mmap(
            null_mut(),
            STACK * STACKS_A_CHUNK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if chunk == libc::MAP_FAILED {
            return None;
        }
        // A huge page for each stack would be what the small touched part is meant to spare.
        libc::madvise(chunk, STACK * STACKS_A_CHUNK, libc::MADV_NOHUGEPAGE);
        let chunk = chunk as usize;
        for n in 0..STACKS_A_CHUNK {
            fence(chunk + n * STACK);
        }
        Some(chunk)
    }
}

/// Makes the lowest page of a stack end the process when it is touched, in place of a neighbour's content.
unsafe fn fence(lowest: usize) {
    // SAFETY: the caller's stack, which nobody uses yet.
    unsafe {
        // From kernel 6.13 on this needs no entry of its own in the memory map, of which there are 65,530.
        if libc::madvise(lowest as *mut _, PAGE, MADV_GUARD_INSTALL) == 0 {
            return;
        }
        if FENCES.get() < MOST_FENCES {
            FENCES.set(FENCES.get() + 1);
            libc::mprotect(lowest as *mut _, PAGE, libc::PROT_NONE);
        }
    }
}

// SAFETY: `base` and `limit` are those of a mapping that is never unmapped, 2 MiB apart, with a fence below.
unsafe impl Stack for PooledStack {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.lowest + STACK).unwrap_or(StackPointer::MIN)
    }
    fn limit(&self) -> StackPointer {
        StackPointer::new(self.lowest).unwrap_or(StackPointer::MIN)
    }
}

impl Drop for PooledStack {
    fn drop(&mut self) {
        let at = self.lowest;
        // SAFETY: nobody uses the stack any more; its pages are given back, its address is kept.
        unsafe { libc::madvise((at + PAGE) as *mut _, STACK - PAGE, libc::MADV_DONTNEED) };
        let _ = FREE.try_with(|free| free.borrow_mut().push(at));
    }
}

/// Bytes of one stack.
pub const STACK: usize = 2 * 1024 * 1024;
const STACKS_A_CHUNK: usize = 16;
const PAGE: usize = 4096;
const MADV_GUARD_INSTALL: i32 = 102;
/// Half of what the kernel allows a process, with room for everything else.
const MOST_FENCES: u32 = 16_000;
