//! A user process: user code added with `addProcess`, kept alive by the manager.

use super::{End, child};
use crate::context::Context;
use crate::ids::WorkerId;
use crate::sys::signal;

/// Runs user process `id` until its code returns.
pub(super) fn run(context: &Context, id: WorkerId) -> End {
    child::register(context, id, "user process");
    // Its code does not use the engine's loop: signals have their default actions, and it is killed with the server.
    signal::restore_defaults(&[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGCHLD, libc::SIGRTMIN()]);
    if let Err(e) = signal::discard(&[libc::SIGUSR1, libc::SIGUSR2]) {
        crate::log::warn!("user process {}: {e}", id.0);
    }
    crate::sys::parent_death::set_parent_death_signal(libc::SIGKILL, context.manager_pid());
    let config = context.state().config();
    let first = config.worker_num + config.task_worker_num;
    let flow = context.handler().user_process(context, (id.0 - first) as usize);
    child::end(context, flow)
}
