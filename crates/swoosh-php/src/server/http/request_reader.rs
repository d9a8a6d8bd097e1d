//! Requests of a coroutine server: framed, read within their timeouts, long bodies spilled to a file.

use crate::server::http::coroutine_connection::CoroutineConnection;
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::http::TempFile;
use swoosh::http::incoming::{DISK_ERROR, SpoolError, SpooledRequest};
use swoosh::proto::framing::FrameStatus;
use swoosh::proto::http1::Refusal;
use swoosh::proto::http1::request_framer::{Framer, Progress, RequestRules};
use swoosh::proto::http1::response_writer::CONTINUE;
use swoosh_zend::PhpResult;

/// Reads the requests of one connection.
pub struct RequestReader {
    framer: Framer,
    /// Start of the current head's timeout: its first byte, or for the first request the connection's start.
    since: Option<Instant>,
}

/// A complete request, and its body if that was spilled to a file.
pub type RawRequest = (Vec<u8>, Option<Rc<TempFile>>);

impl RequestReader {
    /// A reader for a new connection.
    pub fn new(rules: RequestRules) -> Self {
        RequestReader { framer: Framer::new(rules), since: None }
    }

    /// Reads a complete request; `None` at the end of the connection or after a rejected request. `idle(true)` is called
    /// before waiting with an empty buffer and may forbid the wait; `idle(false)` is called after it.
    pub fn next(
        &mut self,
        connection: &CoroutineConnection,
        idle: impl Fn(bool) -> bool,
    ) -> PhpResult<Option<RawRequest>> {
        loop {
            let cut = connection.with_buffer(|bytes| self.framer.next(connection.settings().max_length, bytes));
            let whole = match cut {
                Ok(FrameStatus::Complete(length)) => {
                    self.since = None;
                    return Ok(Some((connection.with_buffer(|bytes| bytes.drain(..length).collect()), None)));
                }
                Ok(FrameStatus::Incomplete(whole)) => whole,
                Err(refusal) => return refuse(connection, refusal),
            };
            if self.framer.take_expect_continue() {
                let (_, failed) = connection.link().send_all(CONTINUE, None)?;
                if failed.is_some() {
                    return Ok(None);
                }
            }
            let here = connection.with_buffer(|bytes| bytes.len());
            let part = self.framer.progress(here);
            let most = connection.settings().memory_limit.min(connection.settings().max_length);
            if part == Progress::Body && (here as u64 > most || whole.is_some_and(|whole| whole > most)) {
                return self.store(connection);
            }
            let waits = here == 0;
            if waits && !idle(true) {
                return Ok(None);
            }
            let read = connection.read(READ_SIZE, self.limit(connection, part));
            if waits {
                idle(false);
            }
            match read? {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(libc::ETIMEDOUT) if part != Progress::NotStarted => return refuse(connection, TOO_SLOW),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Timeout of the next read; `None`: no limit.
    fn limit(&mut self, connection: &CoroutineConnection, part: Progress) -> Option<Duration> {
        match part {
            // A keep-alive connection may be idle between requests.
            Progress::NotStarted if self.framer.has_framed() => None,
            Progress::NotStarted | Progress::Head => {
                let since = *self.since.get_or_insert_with(Instant::now);
                connection.settings().header_timeout.map(|limit| limit.saturating_sub(since.elapsed()).max(MIN_TIMEOUT))
            }
            Progress::Body => connection.settings().body_timeout,
        }
    }

    /// Spills the rest of a request to a file.
    fn store(&mut self, connection: &CoroutineConnection) -> PhpResult<Option<RawRequest>> {
        let bytes = connection.take_buffer();
        let folder = connection.settings().upload_dir.as_ref();
        let (mut incoming, head) =
            match SpooledRequest::begin(&bytes, self.framer.max_length(connection.settings().max_length), folder) {
                Ok(begun) => begun,
                Err(fault) => return refuse(connection, status(fault)),
            };
        connection.with_buffer(|buffer| buffer.extend_from_slice(&bytes[head..]));
        loop {
            let here = connection.take_buffer();
            match incoming.take(&here) {
                Ok(None) => {}
                Ok(Some(end)) => {
                    connection.with_buffer(|bytes| bytes.extend_from_slice(&here[end..]));
                    self.framer.skip_request();
                    self.since = None;
                    let (head, body) = incoming.finish();
                    return Ok(Some((head, Some(Rc::new(body)))));
                }
                Err(fault) => return refuse(connection, status(fault)),
            }
            match connection.read(READ_SIZE, connection.settings().body_timeout)? {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(libc::ETIMEDOUT) => return refuse(connection, TOO_SLOW),
                Err(_) => return Ok(None),
            }
        }
    }
}

/// The error response for a failed body.
fn status(fault: SpoolError) -> Refusal {
    match fault {
        SpoolError::Refused(refusal) => refusal,
        SpoolError::Disk(cause) => {
            swoosh::log::error!("request failed with 500: {cause}");
            DISK_ERROR
        }
    }
}

fn refuse(connection: &CoroutineConnection, refusal: Refusal) -> PhpResult<Option<RawRequest>> {
    swoosh::log::info!("rejecting a request with {}: {}", refusal.status, refusal.reason);
    connection.link().send_all(&Refusal::response(refusal.status), Some(ERROR_RESPONSE_TIMEOUT))?;
    Ok(None)
}

const TOO_SLOW: Refusal = Refusal::new(408, "request timeout");
const READ_SIZE: usize = 65536;
const MIN_TIMEOUT: Duration = Duration::from_millis(1);
/// Time limit for an error response before the connection is closed.
pub const ERROR_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
