//! `Swoole\Coroutine\Scheduler`: coroutines that are run together.

use crate::coroutine;
use crate::coroutine::configure;
use crate::coroutine::{Job, Options, options};
use crate::runtime::{event_loop, last_error};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use swoosh_zend::{Call, Callable, ClassBuilder, ClassSlot, PhpResult, Zval};

static SCHEDULER: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Scheduler {
    /// Callables to run, with their concurrency.
    list: RefCell<Vec<Rc<Entry>>>,
    running: Cell<bool>,
}
swoosh_zend::payload!(Scheduler: traces |scheduler, visit| scheduler.trace_entries(visit));

struct Entry {
    callable: Callable,
    args: Vec<Zval>,
    times: usize,
}

impl Scheduler {
    fn trace_entries(&self, visit: &mut dyn FnMut(&Zval)) {
        // Running entries are also referenced by their coroutines.
        let Ok(list) = self.list.try_borrow() else { return };
        for entry in list.iter().filter(|entry| Rc::strong_count(entry) == 1) {
            entry.callable.trace(visit);
            entry.args.iter().for_each(&mut *visit);
        }
    }
}

/// Registers the class.
pub fn register(short_names: bool) {
    let mut class = ClassBuilder::new("Swoole\\Coroutine\\Scheduler").is_final();
    if short_names {
        class = class.alias("Co\\Scheduler");
    }
    class
        .payload::<Scheduler>()
        .method("add(callable $func, mixed ...$param): void", add)
        .method("parallel(int $n, callable $func, mixed ...$param): void", parallel)
        .method("set(array $settings): void", |call: &mut Call<'_>| {
            configure::apply(call.array(0)?);
            Ok(())
        })
        .method("getOptions(): ?array", |_: &mut Call<'_>| Ok(options(Options::given)))
        .method("start(): bool", start)
        .register(&SCHEDULER);
}

fn add(call: &mut Call<'_>) -> PhpResult<()> {
    let entry = Entry { callable: call.callable(0)?, args: call.rest(1).to_vec(), times: 1 };
    call.payload::<Scheduler>().list.borrow_mut().push(Rc::new(entry));
    Ok(())
}

fn parallel(call: &mut Call<'_>) -> PhpResult<()> {
    let times = usize::try_from(call.int(0)?).unwrap_or(0);
    let entry = Entry { callable: call.callable(1)?, args: call.rest(2).to_vec(), times };
    call.payload::<Scheduler>().list.borrow_mut().push(Rc::new(entry));
    Ok(())
}

/// Runs everything that was added, until nothing is left to wait for. `false` if nothing was, or it runs already.
fn start(call: &mut Call<'_>) -> PhpResult<bool> {
    let scheduler = call.payload::<Scheduler>();
    if scheduler.running.get() {
        last_error::warn_misuse("the scheduler is already running");
        return Ok(false);
    }
    let list = scheduler.list.take();
    if list.is_empty() {
        return Ok(false);
    }
    scheduler.running.set(true);
    let result = event_loop::run_coroutines(move || {
        for entry in &list {
            for _ in 0..entry.times {
                let entry = entry.clone();
                let run = move || entry.callable.call(&mut entry.args.clone()).map(drop);
                coroutine::create(Job::Native(Box::new(run)))?;
            }
        }
        Ok(())
    });
    scheduler.running.set(false);
    // Entries added during the run are discarded.
    let late = scheduler.list.take();
    drop(late);
    result.map(|()| true)
}
