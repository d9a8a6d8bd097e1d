//! The main loop of a worker without an event loop of its own.

use super::inbox::{Inbox, Message};
use super::work::Work;
use super::worker::Worker;
use crate::error::Result;
use crate::handler::Flow;
use std::time::{Duration, Instant};

/// Runs a worker and returns its exit status.
pub(super) fn run(worker: &Worker, work: &impl Work) -> i32 {
    work.run_worker(worker, &|| live(worker, work).map_or_else(|stop| stop.code, |()| 0))
}

fn live(worker: &Worker, work: &impl Work) -> Flow {
    if !work.takes_messages() {
        worker.mark_ready();
    }
    work.worker_start(worker)?;
    worker.mark_ready();
    if work.takes_messages() && !worker.should_stop() {
        match worker.inbox() {
            Ok(mut inbox) => take_messages(worker, work, &mut inbox)?,
            Err(e) => crate::log::error!("worker {}: {e}", worker.id()),
        }
    }
    work.worker_stop(worker)
}

fn take_messages(worker: &Worker, work: &impl Work, inbox: &mut Inbox) -> Flow {
    let mut more = true;
    let mut received: Result<Option<Message>> = Ok(None);
    while more && !worker.should_stop() {
        match received.and_then(|message| if message.is_some() { Ok(message) } else { inbox.take() }) {
            Ok(Some(message)) => more = handle(worker, work, inbox, message)?,
            Ok(None) => {
                received = inbox.wait(worker.event_fd(), None);
                continue;
            }
            Err(e) => {
                crate::log::error!("worker {}: {e}", worker.id());
                return Ok(());
            }
        }
        received = Ok(None);
    }
    // A client that has connected cannot reach another worker: its message is handled here.
    inbox.stop_accepting();
    if inbox.pending_clients() > 0 {
        work.worker_exit(worker)?;
    }
    let until = Instant::now() + CLIENT_DRAIN_TIMEOUT;
    while inbox.pending_clients() > 0 && Instant::now() < until {
        match inbox.take() {
            Ok(Some(message)) => drop(handle(worker, work, inbox, message)?),
            _ => drop(inbox.wait(inbox.descriptor(), Some(until.saturating_duration_since(Instant::now())))),
        }
    }
    Ok(())
}

fn handle(worker: &Worker, work: &impl Work, inbox: &mut Inbox, mut message: Message) -> Flow<bool> {
    work.message(worker, &mut message)?;
    inbox.complete(message);
    Ok(worker.count_handled())
}

/// The time that an ending worker waits for the messages of connected clients.
const CLIENT_DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
