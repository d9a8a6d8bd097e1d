//! `Swoole\Process\Manager`: a pool whose workers run different functions.

use super::process_pool;
use std::rc::Rc;
use swoosh_zend::{Array, Call, Callable, ClassBuilder, ClassSlot, IntoZval, Object, PhpResult, Raised, Value, Zval};

static MANAGER: ClassSlot = ClassSlot::new();

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Process\\Manager")
        .alias("Swoole\\Process\\ProcessManager")
        .protected_property("pool", Value::Null)
        .protected_property("ipcType", Value::Int(0))
        .protected_property("msgQueueKey", Value::Int(0))
        .protected_property("startFuncMap", Value::EmptyArray)
        .method("__construct(int $ipcType = SWOOLE_IPC_NONE, int $msgQueueKey = 0)", construct)
        .method("add(callable $func, bool $enableCoroutine = false): self", add)
        .method("addBatch(int $workerNum, callable $func, bool $enableCoroutine = false): self", add_batch)
        .method("start(): void", start)
        .method("setIPCType(int $ipcType): self", |call: &mut Call<'_>| set(call, "ipcType"))
        .method("getIPCType(): int", |call: &mut Call<'_>| get(call, "ipcType"))
        .method("setMsgQueueKey(int $msgQueueKey): self", |call: &mut Call<'_>| set(call, "msgQueueKey"))
        .method("getMsgQueueKey(): int", |call: &mut Call<'_>| get(call, "msgQueueKey"))
        .register(&MANAGER);
}

fn slot(property: &str) -> PhpResult<usize> {
    MANAGER.get().slot(property).ok_or(Raised::Exception)
}

fn this<'a>(call: &Call<'a>) -> PhpResult<&'a Object> {
    call.this().ok_or(Raised::Exception)
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (ipc, key) = (call.int_or(0, 0)?, call.int_or(1, 0)?);
    this(call)?.set_slot(slot("ipcType")?, ipc);
    this(call)?.set_slot(slot("msgQueueKey")?, key);
    Ok(())
}

fn set(call: &mut Call<'_>, property: &str) -> PhpResult<Object> {
    let value = call.int(0)?;
    this(call)?.set_slot(slot(property)?, value);
    this(call).cloned()
}

fn get(call: &mut Call<'_>, property: &str) -> PhpResult<i64> {
    Ok(this(call)?.slot(slot(property)?).to_int())
}

fn add(call: &mut Call<'_>) -> PhpResult<Object> {
    call.callable(0)?;
    put(call, 1, 0)
}

fn add_batch(call: &mut Call<'_>) -> PhpResult<Object> {
    let workers = call.int(0)?;
    call.callable(1)?;
    put(call, workers, 1)
}

/// Adds workers that run the callable of argument `at`.
fn put(call: &mut Call<'_>, workers: i64, at: usize) -> PhpResult<Object> {
    let apart = call.bool_or(at + 1, false)?;
    let (this, map) = (this(call)?, slot("startFuncMap")?);
    let mut all = this.slot(map).array().cloned().unwrap_or_default();
    for _ in 0..workers {
        let job: Array = [call.arg(at).cloned().unwrap_or(Zval::null()), apart.into_zval()].into_iter().collect();
        all.push(job);
    }
    this.set_slot(map, all);
    Ok(this.clone())
}

fn start(call: &mut Call<'_>) -> PhpResult<()> {
    let this = this(call)?;
    let (ipc, key) = (this.slot(slot("ipcType")?).to_int(), this.slot(slot("msgQueueKey")?).to_int());
    let mut jobs = Vec::new();
    if let Some(all) = this.slot(slot("startFuncMap")?).array() {
        for (_, job) in all {
            let Some(job) = job.array() else { continue };
            let (function, apart) = (job.at(0).cloned().unwrap_or(Zval::null()), job.at(1).is_some_and(Zval::to_bool));
            let callable = Callable::new(&function).map_err(|why| swoosh_zend::error::throw_error(&why))?;
            jobs.push((Rc::new(callable), apart));
        }
    }
    let pool = process_pool::make(jobs.len() as i64, ipc, key)?;
    this.set_slot(slot("pool")?, pool.clone());
    let Some(state) = process_pool::state_of(&pool) else { return Ok(()) };
    state.set_worker_functions(jobs);
    process_pool::run(&pool, &state).map(drop)
}
