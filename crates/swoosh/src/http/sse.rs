//! Server-Sent Events (HTML Living Standard, section 9.2): a response that stays open, and that browsers read with
//! `EventSource`.
//!
//! ```no_run
//! use std::time::Duration;
//! use swoosh::http::sse::{self, Event};
//! use swoosh::{Mode, http};
//!
//! http::Server::bind("127.0.0.1:9501", Mode::Process)?
//!     .handle(async |request, response| -> swoosh::Result<()> {
//!         let mut number: u64 = sse::last_event_id(&request).and_then(|id| id.parse().ok()).unwrap_or(0);
//!         let mut events = sse::begin(response).await?;
//!         loop {
//!             number += 1;
//!             events.wait(tokio::time::sleep(Duration::from_secs(1))).await?;
//!             events.send(&Event::new(format!("tick {number}")).id(number.to_string())).await?;
//!         }
//!     })
//!     .start()?;
//! # Ok::<(), swoosh::Error>(())
//! ```

use super::{Request, Response};
use crate::error::Result;
use std::pin::pin;
use std::time::Duration;

/// One event.
///
/// ```
/// use swoosh::http::sse::Event;
///
/// let event = Event::new("one\ntwo").kind("news").id("7");
/// assert_eq!(event.to_string(), "event: news\nid: 7\ndata: one\ndata: two\n\n");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    data: String,
    kind: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
}

impl Event {
    /// An event with this data, which may have several lines.
    pub fn new(data: impl Into<String>) -> Self {
        Event { data: data.into(), ..Event::default() }
    }

    /// Sets the type: `addEventListener(kind, ...)` gets it in place of `onmessage`. Line breaks are left out.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(one_line(kind.into()));
        self
    }

    /// Sets the id, which a client that reconnects sends as `Last-Event-ID`. Line breaks and NUL are left out.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(one_line(id.into()));
        self
    }

    /// Sets the time after which the client reconnects from now on, to a millisecond.
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }
}

impl std::fmt::Display for Event {
    /// The event as it is sent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(kind) = &self.kind {
            writeln!(f, "event: {kind}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(retry) = self.retry {
            writeln!(f, "retry: {}", retry.as_millis())?;
        }
        // A line ends with CR, LF or both (section 9.2.5).
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            writeln!(f, "data: {line}")?;
        }
        writeln!(f)
    }
}

fn one_line(text: String) -> String {
    text.replace(['\r', '\n', '\0'], "")
}

/// The id of the last event that a client that reconnects has received.
pub fn last_event_id(request: &Request) -> Option<&str> {
    request.header("last-event-id").filter(|id| !id.is_empty())
}

/// Begins a stream of events: sends the head of the response.
///
/// # Errors
/// If the response has started, or the client has left.
pub async fn begin(response: &mut Response) -> Result<Events<'_>> {
    response.expect_not_started()?;
    response.header("Content-Type", "text/event-stream").header("Cache-Control", "no-cache");
    // For nginx, which collects responses otherwise.
    response.header("X-Accel-Buffering", "no");
    response.write(HEARTBEAT).await?;
    Ok(Events { response, heartbeat: Duration::from_secs(15) })
}

/// The events of one client. It is over once a method has returned an error: the client has left.
pub struct Events<'r> {
    response: &'r mut Response,
    heartbeat: Duration,
}

impl Events<'_> {
    /// Sets the pause in [`wait`](Self::wait) after which a comment is sent, which keeps proxies from closing the connection
    /// and shows that the client has left. Default: 15 s; at least a millisecond.
    pub fn heartbeat(mut self, pause: Duration) -> Self {
        self.heartbeat = pause.max(Duration::from_millis(1));
        self
    }

    /// Sends an event. Waits while the client does not read.
    ///
    /// # Errors
    /// If the client has left.
    pub async fn send(&mut self, event: &Event) -> Result<()> {
        self.response.write(event.to_string()).await
    }

    /// Waits for the source of the next event, and sends comments meanwhile.
    ///
    /// # Errors
    /// If the client has left; `source` is dropped then.
    pub async fn wait<T>(&mut self, source: impl Future<Output = T>) -> Result<T> {
        let mut source = pin!(source);
        loop {
            match tokio::time::timeout(self.heartbeat, source.as_mut()).await {
                Ok(found) => return Ok(found),
                Err(_) => self.response.write(HEARTBEAT).await?,
            }
        }
    }
}

/// A comment (section 9.2.6).
const HEARTBEAT: &[u8] = b":\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_has_its_field_and_nothing_else_can_be_one() {
        for (event, text) in [
            (Event::new(""), "data: \n\n"),
            (Event::new("a\r\nb\rc\n"), "data: a\ndata: b\ndata: c\ndata: \n\n"),
            (Event::new("x").id("1\ndata: y").kind("k\r\n"), "event: k\nid: 1data: y\ndata: x\n\n"),
            (Event::new("x").retry(Duration::from_millis(1500)), "retry: 1500\ndata: x\n\n"),
        ] {
            assert_eq!(event.to_string(), text);
        }
    }
}
