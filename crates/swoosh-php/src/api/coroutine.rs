//! `Swoole\Coroutine`, its context, iterator and exceptions.

use super::system;
use crate::coroutine;
use crate::coroutine::classes::{CANCELED, CONTEXT, TIMEOUT};
use crate::coroutine::configure;
use crate::coroutine::{Job, Options, STACK_SIZE, options, wait};
use crate::runtime::last_error;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::error::{fatal, throw_error};
use swoosh_zend::vm_state::trace_as_text;
use swoosh_zend::{
    Array, Call, Callable, Class, ClassBuilder, ClassSlot, IntoZval, Key, Object, OrFalse, PhpResult, Zval, output,
};

/// `Swoole\Coroutine`.
pub static COROUTINE: ClassSlot = ClassSlot::new();
static ITERATOR: ClassSlot = ClassSlot::new();

/// Registers the classes.
pub fn register(short_names: bool) {
    let short = |class: ClassBuilder, name: &'static str| if short_names { class.alias(name) } else { class };
    let class = ClassBuilder::new("Swoole\\Coroutine")
        .method("private __construct()", |_: &mut Call<'_>| Ok(()))
        .method("static create(callable $func, mixed ...$param): int|false", create)
        .method("static defer(callable $callback): void", defer)
        .method("static set(array $options): void", set)
        .method("static getOptions(): ?array", |_: &mut Call<'_>| Ok(options(Options::given)))
        .method("static exists(int $cid): bool", |call: &mut Call<'_>| Ok(found(call.int(0)?).is_some()))
        .method("static yield(): bool", yield_now)
        .method("static cancel(int $cid, bool $throw_exception = false): bool", cancel)
        .method("static join(array $cid_array, float $timeout = -1): bool", join)
        .method("static isCanceled(): bool", |_: &mut Call<'_>| {
            coroutine::expect_current().map(|coroutine| coroutine.is_cancelled())
        })
        .method("static setTimeLimit(float $timeout): bool", set_time_limit)
        .method("static suspend(): bool", yield_now)
        .method("static resume(int $cid): bool", resume)
        .method("static stats(): array", stats)
        .method("static getCid(): int", id)
        .method("static getuid(): int", id)
        .method("static getPcid(int $cid = 0): int|false", parent)
        .method("static getContext(int $cid = 0): ?Swoole\\Coroutine\\Context", context)
        .method(
            "static getBackTrace(int $cid = 0, int $options = DEBUG_BACKTRACE_PROVIDE_OBJECT, int $limit = 0): array|false",
            backtrace,
        )
        .method("static printBackTrace(int $cid = 0, int $options = 0, int $limit = 0): void", print_backtrace)
        .method("static getElapsed(int $cid = 0): int", elapsed)
        .method("static getStackUsage(int $cid = 0): int|false", stack_usage)
        .method("static list(): Swoole\\Coroutine\\Iterator", list)
        .method("static listCoroutines(): Swoole\\Coroutine\\Iterator", list)
        .method("static enableScheduler(): bool", |_: &mut Call<'_>| {
            coroutine::expect_current().map(|coroutine| coroutine.set_preemptible(true))
        })
        .method("static disableScheduler(): bool", |_: &mut Call<'_>| {
            coroutine::expect_current().map(|coroutine| coroutine.set_preemptible(false))
        });
    short(system::methods(class), "Co").register(&COROUTINE);
    let context = ClassBuilder::new("Swoole\\Coroutine\\Context").extends(Class::array_object());
    short(context, "Co\\Context").register(&CONTEXT);
    let iterator = ClassBuilder::new("Swoole\\Coroutine\\Iterator").extends(Class::array_iterator());
    short(iterator, "Co\\Iterator").register(&ITERATOR);
    let exception = |name| ClassBuilder::new(name).extends(Class::exception()).is_final();
    exception("Swoole\\Coroutine\\CanceledException").register(&CANCELED);
    exception("Swoole\\Coroutine\\TimeoutException").register(&TIMEOUT);
}

/// Creates a coroutine and runs it until it first waits. Returns its id, `false` at `max_coroutine`.
#[inline]
pub fn create(call: &mut Call<'_>) -> PhpResult<OrFalse<u64>> {
    let job = match call.arg(0).and_then(Zval::object) {
        Some(object) if object.is_closure() => Job::Closure(object.clone(), call.rest(1).to_vec()),
        _ => Job::Call(call.callable(0)?, call.rest(1).to_vec()),
    };
    coroutine::create(job).map(OrFalse)
}

/// Calls a function when the running coroutine ends.
pub fn defer(call: &mut Call<'_>) -> PhpResult<()> {
    let callable = call.callable(0)?;
    match coroutine::current() {
        Some(coroutine) => {
            coroutine.defer(callable);
            Ok(())
        }
        None => {
            drop(callable);
            Err(fatal("defer() must be called in a coroutine"))
        }
    }
}

/// Adds settings.
pub fn set(call: &mut Call<'_>) -> PhpResult<()> {
    configure::apply(call.array(0)?);
    Ok(())
}

fn found(id: i64) -> Option<Rc<coroutine::Coroutine>> {
    u64::try_from(id).ok().and_then(coroutine::find)
}

/// The coroutine of an optional id argument; 0: the running one.
fn named(call: &Call<'_>) -> PhpResult<Option<Rc<coroutine::Coroutine>>> {
    Ok(match call.int_or(0, 0)? {
        0 => coroutine::current(),
        id => found(id),
    })
}

#[inline(always)]
fn yield_now(_: &mut Call<'_>) -> PhpResult<bool> {
    wait::yield_now()
}

#[inline(always)]
fn resume(call: &mut Call<'_>) -> PhpResult<bool> {
    let id = call.int(0)?;
    match u64::try_from(id).map_or(Ok(None), coroutine::resume)? {
        Some(resumed) => Ok(resumed),
        None => {
            last_error::warn_misuse(&format!("there is no coroutine {id} to resume"));
            Ok(false)
        }
    }
}

fn cancel(call: &mut Call<'_>) -> PhpResult<bool> {
    let (id, throws) = (call.int(0)?, call.bool_or(1, false)?);
    coroutine::cancel(u64::try_from(id).unwrap_or(0), throws)
}

fn join(call: &mut Call<'_>) -> PhpResult<bool> {
    let ids: Vec<i64> = call.array(0)?.iter().map(|(_, id)| id.to_int()).collect();
    wait::join(&ids, wait::limit(call.float_or(1, -1.0)?))
}

/// Whole seconds; less than 1 removes the limit.
fn set_time_limit(call: &mut Call<'_>) -> PhpResult<bool> {
    let seconds = call.float(0)?;
    let coroutine = coroutine::expect_current()?;
    let limit = (seconds >= 1.0).then(|| Duration::from_secs(seconds as u64));
    coroutine.set_time_limit(limit);
    Ok(true)
}

fn id(_: &mut Call<'_>) -> PhpResult<i64> {
    Ok(coroutine::current_id().map_or(-1, |id| id as i64))
}

fn parent(call: &mut Call<'_>) -> PhpResult<OrFalse<i64>> {
    Ok(OrFalse(named(call)?.map(|coroutine| coroutine.parent().map_or(-1, |id| id as i64))))
}

fn context(call: &mut Call<'_>) -> PhpResult<Option<Object>> {
    match named(call)? {
        Some(coroutine) => coroutine.context().map(Some),
        None => Ok(None),
    }
}

fn backtrace(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (flags, limit) = (call.int_or(1, 1)?, call.int_or(2, 0)?);
    Ok(match named(call)? {
        Some(coroutine) => coroutine.backtrace(flags, limit),
        None => false.into_zval(),
    })
}

fn print_backtrace(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (flags, limit) = (call.int_or(1, 0)?, call.int_or(2, 0)?);
    let Some(coroutine) = named(call)? else { return Ok(false.into_zval()) };
    let text = trace_as_text(&coroutine.backtrace(flags, limit));
    drop(coroutine);
    output::write(text.as_bytes())?;
    Ok(Zval::null())
}

fn elapsed(call: &mut Call<'_>) -> PhpResult<i64> {
    Ok(named(call)?.map_or(-1, |coroutine| coroutine.elapsed() as i64))
}

fn stack_usage(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    Ok(OrFalse(named(call)?.map(|coroutine| coroutine.stack_usage())))
}

fn list(_: &mut Call<'_>) -> PhpResult<Object> {
    // Newest first, as Swoole lists them.
    let mut ids = coroutine::ids();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let ids: Array = ids.into_iter().collect();
    let iterator = Object::new(ITERATOR.get())?;
    iterator.construct(&mut [ids.into_zval()])?;
    Ok(iterator)
}

fn stats(_: &mut Call<'_>) -> PhpResult<Array> {
    let mut stats = Array::new();
    stats.insert("event_num", crate::runtime::watchers::count());
    stats.insert("signal_listener_num", system::signal_listeners() + crate::runtime::signals::count());
    stats.insert("aio_task_num", 0);
    stats.insert("aio_worker_num", 0);
    for name in UNUSED_STATISTICS {
        stats.insert(name, 0);
    }
    stats.insert("c_stack_size", STACK_SIZE);
    stats.insert("coroutine_num", coroutine::count());
    stats.insert("coroutine_peak_num", coroutine::peak());
    stats.insert("coroutine_last_cid", coroutine::last_id());
    Ok(stats)
}

/// `Swoole\Coroutine\run`: runs a coroutine and every coroutine it starts to the end.
pub fn run(call: &mut Call<'_>) -> PhpResult<bool> {
    let job = Job::Call(call.callable(0)?, call.rest(1).to_vec());
    enable_all_hooks();
    crate::runtime::event_loop::run_coroutines(move || coroutine::create(job).map(drop))?;
    Ok(true)
}

/// `run` enables all hooks unless `hook_flags` was set.
fn enable_all_hooks() {
    let said = options(|o| o.hook_flags().is_some());
    if !said && crate::coroutine::hook_flags::flags() == 0 {
        let mut flags = Array::new();
        flags.insert("hook_flags", crate::coroutine::hook_flags::ALL);
        configure::apply(&flags);
    }
}

/// `Swoole\Coroutine\deadlock_check`.
pub fn deadlock_check(_: &mut Call<'_>) -> PhpResult<()> {
    if coroutine::count() > 0 { coroutine::report_deadlock() } else { Ok(()) }
}

/// Runs jobs concurrently and waits for all of them; `false` after a timeout.
pub fn all(jobs: Vec<Job>, limit: Option<Duration>) -> PhpResult<bool> {
    let caller = coroutine::expect_current()?;
    drop(caller);
    let mut ids = Vec::with_capacity(jobs.len());
    for job in jobs {
        if let Some(id) = coroutine::create(job)?
            && coroutine::find(id).is_some()
        {
            ids.push(id as i64);
        }
    }
    ids.retain(|id| found(*id).is_some());
    if ids.is_empty() {
        return Ok(true);
    }
    let before = last_error::get();
    let joined = wait::join(&ids, limit)?;
    last_error::set(before);
    Ok(joined)
}

/// `Swoole\Coroutine\parallel`.
pub fn parallel(call: &mut Call<'_>) -> PhpResult<()> {
    let count = usize::try_from(call.int(0)?).unwrap_or(0);
    let callable = Rc::new(call.callable(1)?);
    let job = |_| {
        let callable = callable.clone();
        Job::Native(Box::new(move || callable.call(&mut []).map(drop)))
    };
    all((0..count).map(job).collect(), None).map(drop)
}

/// `Swoole\Coroutine\batch`: each task's result under its key; `null` after a timeout.
pub fn batch(call: &mut Call<'_>) -> PhpResult<Array> {
    let limit = wait::limit(call.float_or(1, -1.0)?);
    let tasks =
        call.array(0)?.iter().map(|(key, task)| Task { key: key_of(key), task: task.clone(), args: Vec::new() });
    collect(tasks.collect(), limit)
}

/// A callable, and the key of its result.
struct Task {
    key: Zval,
    task: Zval,
    args: Vec<Zval>,
}

fn key_of(key: Key<'_>) -> Zval {
    match key {
        Key::Index(index) => index.into_zval(),
        Key::Name(name) => name.clone().into_zval(),
    }
}

/// `Swoole\Coroutine\map`: the function's result for each element.
pub fn map(call: &mut Call<'_>) -> PhpResult<Array> {
    let limit = wait::limit(call.float_or(2, -1.0)?);
    let mut tasks = Vec::new();
    for (key, value) in call.array(0)? {
        let key = key_of(key);
        let args = vec![value.clone(), key.clone()];
        tasks.push(Task { key, task: call.arg(1).cloned().unwrap_or(Zval::null()), args });
    }
    drop(call.callable(1)?);
    collect(tasks, limit)
}

fn collect(tasks: Vec<Task>, limit: Option<Duration>) -> PhpResult<Array> {
    let results: Vec<(Zval, Zval)> = tasks.iter().map(|task| (task.key.clone(), Zval::null())).collect();
    let results = Rc::new(RefCell::new(results));
    let jobs = tasks.into_iter().enumerate().map(|(at, mut task)| {
        let results = results.clone();
        Job::Native(Box::new(move || {
            let callable = Callable::new(&task.task).map_err(|why| throw_error(&format!("not callable: {why}")))?;
            let value = callable.call(&mut task.args)?;
            let old = std::mem::replace(&mut results.borrow_mut()[at].1, value);
            drop(old);
            Ok(())
        }))
    });
    all(jobs.collect(), limit)?;
    let taken: Vec<(Zval, Zval)> = results.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut array = Array::new();
    for (key, value) in taken {
        match (key.int(), key.bytes()) {
            (Some(index), _) => array.set(index, value),
            (None, Some(name)) => array.insert(name, value),
            _ => {}
        }
    }
    Ok(array)
}

const UNUSED_STATISTICS: &[&str] = &[
    "aio_queue_size",
    "aio_idle_worker_num",
    "aio_peak_worker_num",
    "aio_created_worker_num",
    "aio_released_worker_num",
    "aio_pending_release_worker_num",
    "aio_scale_up_count",
    "aio_scale_down_count",
];
