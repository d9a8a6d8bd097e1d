//! Start and end of every forked process of the server.

use super::{End, title};
use crate::context::Context;
use crate::handler::{Flow, Stop};
use crate::ids::WorkerId;
use crate::sys::{clock, process};
use std::sync::atomic::Ordering::Relaxed;

/// Registers a new process: its row, its title, its log mark. It is terminated if the manager dies.
pub(super) fn register(context: &Context, id: WorkerId, name: &str) {
    mark(context, id, name);
    crate::sys::parent_death::record_parent();
    crate::sys::parent_death::set_parent_death_signal(libc::SIGTERM, context.manager_pid());
}

/// Like [`register`]; then gives up the rights that the settings say (`user`, `group`, `chroot`).
pub(super) fn register_confined(context: &Context, id: WorkerId, name: &str) {
    register(context, id, name);
    let config = context.state().config();
    let (user, group) = (config.user.as_deref(), config.group.as_deref());
    if let Err(e) = crate::sys::user::drop_privileges(user, group, config.chroot.as_deref()) {
        crate::log::error!("{name} {}: {e}", id.0);
    }
}

/// Records what a process is: in its row, its title and its log lines.
pub(super) fn mark(context: &Context, id: WorkerId, name: &str) {
    context.state().workers()[id.0 as usize].pid.store(process::pid(), Relaxed);
    crate::log::set_mark(context.role(), id.0);
    title::set(context, &format!("{name} {}", id.0));
}

/// Number of requests after which a process is replaced; `grace` spreads the ends of several processes.
pub(super) fn request_limit(max: u32, grace: u32) -> Option<u64> {
    let spread = if grace > 0 { clock::wall_nanos() / 1000 % u64::from(grace + 1) } else { 0 };
    (max > 0).then_some(u64::from(max) + spread)
}

/// The end of a forked process.
pub(super) fn end(context: &Context, flow: Flow) -> End {
    match flow.and_then(|()| context.lifecycle().check()) {
        Ok(()) => End::Forked { code: 0, fatal: false },
        Err(Stop { code }) => End::Forked { code, fatal: true },
    }
}

/// The end of a forked process that could not start; the cause is logged.
pub(super) fn end_unstarted(name: &str, id: WorkerId, cause: &crate::error::Error) -> End {
    crate::log::error!("{name} {}: {cause}", id.0);
    End::Forked { code: 255, fatal: false }
}
