//! A worker: handles requests.
//!
//! Runs in: workers of process mode and base mode.

use super::event_loop::{Activity, EventLoop, Progress};
use super::{End, child};
use crate::context::Context;
use crate::handler::Stop;
use crate::ids::WorkerId;
use crate::sys::affinity;

/// Runs worker `id` until it is to end.
pub(super) fn run(context: &Context, id: WorkerId) -> End {
    child::register_confined(context, id, NAME);
    let config = context.state().config();
    if config.open_cpu_affinity {
        affinity::bind_to_nth(id.0 as usize, &config.cpu_affinity_ignore);
    }
    let limit = child::request_limit(config.max_request, config.max_request_grace);
    match EventLoop::new(context, limit) {
        Ok(work) => serve(context, work),
        Err(e) => child::end_unstarted(NAME, id, &e),
    }
}

/// Runs the only worker of a base-mode server, in the process that called `start`.
pub(super) fn run_alone(context: &Context) -> End {
    let id = WorkerId(0);
    child::mark(context, id, NAME);
    match EventLoop::in_head(context) {
        Ok(work) => serve(context, work),
        Err(e) => child::end_unstarted(NAME, id, &e),
    }
}

fn serve(context: &Context, mut work: EventLoop) -> End {
    work.restore();
    let flow = work.serve(tick);
    child::end(context, flow)
}

fn tick(work: &mut EventLoop) -> Result<Activity, Stop> {
    let messages = match work.handle_messages(MESSAGES_PER_TICK)? {
        Progress::Ending => return Ok(Activity::MayHaveMore),
        progress => progress == Progress::Busy,
    };
    let handled = Activity::handled(messages | work.handle_own_events()?);
    let deferred = Activity::may_have_more(work.handle_deferred()?);
    work.run_timers()?;
    let context = work.context();
    context.handler().tick(context)?;
    // Requests that were queued are delivered last: what they leave to do is done in the next tick.
    let queued = Activity::may_have_more(work.handle_queued()?);
    Ok(handled.max(deferred).max(queued))
}

const NAME: &str = "worker";
/// Messages taken from one mailbox before the next one.
const MESSAGES_PER_TICK: u32 = 128;
