//! The code that a pool runs.

use super::inbox::Message;
use super::supervisor::Supervisor;
use super::worker::Worker;
use crate::handler::Flow;
use std::time::Duration;

/// The code of a pool. `start`, `shutdown` and `tick` run in the supervisor, all other methods in a worker.
///
/// A closure is a `Work` too: each worker calls it once.
///
/// ```no_run
/// use swoosh::handler::Flow;
/// use swoosh::pool::{Ipc, Message, Pool, Work, Worker};
///
/// struct Print;
///
/// impl Work for Print {
///     fn worker_start(&self, worker: &Worker) -> Flow {
///         println!("worker {} is ready", worker.id());
///         Ok(())
///     }
///     fn takes_messages(&self) -> bool {
///         true
///     }
///     fn message(&self, _: &Worker, message: &mut Message) -> Flow {
///         println!("{} bytes", message.data.len());
///         Ok(())
///     }
/// }
///
/// Pool::new(2).ipc(Ipc::UnixSocket).run(&Print)?;
/// # Ok::<(), swoosh::Error>(())
/// ```
pub trait Work {
    /// The pool starts; no worker runs yet.
    fn start(&self, _pool: &Supervisor) -> Flow {
        Ok(())
    }
    /// The pool has ended, after its last worker.
    fn shutdown(&self, _pool: &Supervisor) -> Flow {
        Ok(())
    }
    /// Called in each iteration of the supervisor's loop. Returns how long the supervisor may sleep; `None`: until an event.
    fn tick(&self, _pool: &Supervisor) -> Flow<Option<Duration>> {
        Ok(None)
    }

    /// A worker starts. A worker that takes no messages ends when this returns.
    fn worker_start(&self, worker: &Worker) -> Flow;
    /// Whether workers wait for messages and call [`message`](Work::message), until they are asked to end.
    fn takes_messages(&self) -> bool {
        false
    }
    /// A message has arrived.
    fn message(&self, _worker: &Worker, _message: &mut Message) -> Flow {
        Ok(())
    }
    /// The worker was asked to end and completes the messages in progress.
    fn worker_exit(&self, _worker: &Worker) -> Flow {
        Ok(())
    }
    /// The worker ends in order.
    fn worker_stop(&self, _worker: &Worker) -> Flow {
        Ok(())
    }

    /// Runs a worker to its end and returns its exit status. `main_loop` is the pool's own loop; code with an event loop of
    /// its own does not call it.
    fn run_worker(&self, _worker: &Worker, main_loop: &dyn Fn() -> i32) -> i32 {
        main_loop()
    }
}

impl<F: Fn(&Worker)> Work for F {
    fn worker_start(&self, worker: &Worker) -> Flow {
        self(worker);
        Ok(())
    }
}
