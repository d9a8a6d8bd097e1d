//! Running futures.

use super::{Context, Role};
use crate::blocking;
use crate::error::{Error, Result};
use crate::runtime;

impl Context {
    /// The async runtime that this process's loop sleeps on. Workers whose handler does not run inside a runtime get it with
    /// the first call; from then on their loop sleeps there.
    ///
    /// # Errors
    /// Where no descriptors are left, and in a process without a loop of the engine.
    pub fn runtime(&self) -> Result<tokio::runtime::Handle> {
        let executor = self.executor();
        if let Some(handle) = executor.handle() {
            return Ok(handle.clone());
        }
        if !matches!(self.role(), Role::Worker | Role::TaskWorker) {
            return Err(Error::State {
                operation: "make an event loop",
                reason: "this process has no loop of the engine's".into(),
            });
        }
        let context = self.clone();
        let refresh_clock = move || {
            if let Some(owner) = context.owner() {
                owner.refresh_clock();
            }
        };
        let runtime = runtime::for_this_thread(|| (), refresh_clock)?;
        Ok(executor.set_runtime(runtime).clone())
    }

    /// Runs work that blocks, such as calls of a library that waits, in another thread: the loop goes on meanwhile. At most
    /// 64 run at once; more are queued. Work that has begun is not interrupted when the future is dropped.
    ///
    /// ```no_run
    /// # use swoosh::Context;
    /// # async fn hash(context: &Context, password: String) -> swoosh::Result<u64> {
    /// let hash = context.spawn_blocking(move || slow_hash(&password)).await?;
    /// # Ok(hash) }
    /// # fn slow_hash(_: &str) -> u64 { 0 }
    /// ```
    ///
    /// # Errors
    /// If this process has no runtime (see [`runtime`](Self::runtime)), or the work panics.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T>> + 'static {
        let running = self.runtime().map(|runtime| runtime.spawn_blocking(work));
        async move {
            let joined = running?.await;
            joined.map_err(|e| Error::State { operation: "run blocking work", reason: e.to_string() })
        }
    }

    /// Runs a future on this process's event loop, beside everything else. A process that is to end waits for its futures
    /// first, as far as `max_wait_time` allows.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        match self.executor().handle() {
            Some(runtime) => {
                let running = self.executor().begin_future(self.lifecycle().clone());
                runtime.spawn(send_wrapper::SendWrapper::new(async move {
                    let _running = running;
                    let mut future = std::pin::pin!(future);
                    std::future::poll_fn(move |cx| {
                        blocking::begin();
                        future.as_mut().poll(cx)
                    })
                    .await;
                }));
                self.lifecycle().wake().raise();
            }
            None => crate::log::error!("spawn a future: this process has no event loop"),
        }
    }
}
