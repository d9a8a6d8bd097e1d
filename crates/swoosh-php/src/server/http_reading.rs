//! Requests as a coroutine reads them: cut, within their time, long bodies by way of a file.

use super::http_peer::Served;
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::http::TempFile;
use swoosh::http::incoming::{DISK_ERROR, SpoolError, SpooledRequest};
use swoosh::proto::framing::FrameStatus;
use swoosh::proto::http1::Refusal;
use swoosh::proto::http1::request_framer::{Framer, Progress};
use swoosh::proto::http1::response_writer::CONTINUE;
use swoosh_zend::PhpResult;

/// What one connection asks, in order.
#[derive(Default)]
pub struct Reading {
    framer: Framer,
    /// When the first byte of the unfinished request came; the connection itself, where it is the first.
    since: Option<Instant>,
}

/// A whole request; its body, where that is in a file.
pub type Asked = (Vec<u8>, Option<Rc<TempFile>>);

impl Reading {
    /// Reads a whole request; `None` where none comes any more, or what comes is none. `idle` is told when nothing of one is
    /// there (`true`) and when something is, or never will be; it says whether to wait.
    pub fn next(&mut self, served: &Served, idle: impl Fn(bool) -> bool) -> PhpResult<Option<Asked>> {
        loop {
            let cut = self.framer.next(served.config.longest, &served.buffer.borrow());
            let whole = match cut {
                Ok(FrameStatus::Complete(length)) => {
                    self.since = None;
                    return Ok(Some((served.buffer.borrow_mut().drain(..length).collect(), None)));
                }
                Ok(FrameStatus::Incomplete(whole)) => whole,
                Err(refusal) => return refuse(served, refusal),
            };
            if self.framer.take_expect_continue() {
                let (_, failed) = served.link.send_all(CONTINUE, None)?;
                if failed.is_some() {
                    return Ok(None);
                }
            }
            let here = served.buffer.borrow().len();
            let part = self.framer.progress(here);
            let most = served.config.in_memory;
            if part == Progress::Body && (here as u64 > most || whole.is_some_and(|whole| whole > most)) {
                return self.store(served);
            }
            let waits = here == 0;
            if waits && !idle(true) {
                return Ok(None);
            }
            let read = read(served, self.limit(served, part));
            if waits {
                idle(false);
            }
            match read? {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(libc::ETIMEDOUT) if part != Progress::NotStarted => return refuse(served, TOO_SLOW),
                Err(_) => return Ok(None),
            }
        }
    }

    /// How long more of the request is waited for; `None`: for ever.
    fn limit(&mut self, served: &Served, part: Progress) -> Option<Duration> {
        match part {
            // Between requests the peer may rest.
            Progress::NotStarted if self.framer.has_framed() => None,
            Progress::NotStarted | Progress::Head => {
                let since = *self.since.get_or_insert_with(Instant::now);
                served.config.head_within.map(|limit| limit.saturating_sub(since.elapsed()).max(SHORTEST))
            }
            Progress::Body => served.config.body_within,
        }
    }

    /// Reads the rest of a request whose body is too long for memory.
    fn store(&mut self, served: &Served) -> PhpResult<Option<Asked>> {
        let bytes = served.buffer.take();
        let folder = served.config.upload_dir.as_ref();
        let (mut incoming, head) = match SpooledRequest::begin(&bytes, served.config.longest, folder) {
            Ok(begun) => begun,
            Err(fault) => return refuse(served, status(fault)),
        };
        served.buffer.borrow_mut().extend_from_slice(&bytes[head..]);
        loop {
            let here = served.buffer.take();
            match incoming.take(&here) {
                Ok(None) => {}
                Ok(Some(end)) => {
                    served.buffer.borrow_mut().extend_from_slice(&here[end..]);
                    self.framer.skip_request();
                    self.since = None;
                    let (head, body) = incoming.finish();
                    return Ok(Some((head, Some(Rc::new(body)))));
                }
                Err(fault) => return refuse(served, status(fault)),
            }
            match read(served, served.config.body_within)? {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(libc::ETIMEDOUT) => return refuse(served, TOO_SLOW),
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Adds what comes to the connection's buffer.
fn read(served: &Served, limit: Option<Duration>) -> PhpResult<Result<usize, i32>> {
    let mut more = Vec::new();
    let read = served.link.read_into(&mut more, CHUNK, limit)?;
    served.buffer.borrow_mut().extend_from_slice(&more);
    Ok(read)
}

/// What answers it.
fn status(fault: SpoolError) -> Refusal {
    match fault {
        SpoolError::Refused(refusal) => refusal,
        SpoolError::Disk(cause) => {
            swoosh::log::error!("a request is answered 500: {cause}");
            DISK_ERROR
        }
    }
}

fn refuse(served: &Served, refusal: Refusal) -> PhpResult<Option<Asked>> {
    swoosh::log::info!("a request is refused with {}: {}", refusal.status, refusal.reason);
    served.link.send_all(&Refusal::response(refusal.status), Some(LAST_WORD))?;
    Ok(None)
}

const TOO_SLOW: Refusal = Refusal::new(408, "it does not come to an end");
const CHUNK: usize = 65536;
const SHORTEST: Duration = Duration::from_millis(1);
/// A peer that does not read is not told why it is refused for longer.
pub const LAST_WORD: Duration = Duration::from_secs(1);
