//! A user process: what `addProcess` gave, kept alive by the manager.

use crate::handler::WorkerId;
use crate::node::Node;
use crate::process::{End, manager};
use crate::sys::process;
use crate::sys::signal;

/// Runs user process `id` until its code returns.
pub fn run(node: &Node, id: WorkerId) -> End {
    manager::announce(node, id, "user process");
    // Its code knows nothing of the engine: signals do what they do in any program, and it never outlives the server.
    signal::restore_defaults(&[
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGCHLD,
        libc::SIGRTMIN(),
    ]);
    process::set_parent_death_signal(libc::SIGKILL, node.manager_pid());
    let state = node.state();
    let first = state.config.worker_num + state.config.task_worker_num;
    let flow = node.0.handler.user_process(node, (id.0 - first) as usize);
    super::worker::leave(node, flow)
}
