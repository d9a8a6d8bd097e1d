//! Frames the packets of one connection by any of the supported rules.

use super::eof::{first_eof, last_eof};
use super::length::{LengthFraming, packet_length};
use crate::frame_status::FrameStatus;
use crate::http1::head_index::HeadIndex;
use crate::http1::request_framer::{self, Progress};
use crate::{PeerFault, mqtt, resp};

/// The rule by which a port splits bytes into packets.
///
/// ```
/// use swoosh_proto::framing::Framing;
///
/// assert!(Framing::Redis.expects_replies() && !Framing::Mqtt.expects_replies());
/// ```
#[derive(Clone, Default)]
pub enum Framing {
    /// The bytes of one read are a packet.
    #[default]
    None,
    /// `open_eof_check`: waits until the bytes end with `package_eof`; a packet may contain several messages.
    EofCheck(Vec<u8>),
    /// `open_eof_split`: a packet ends at each `package_eof`.
    EofSplit(Vec<u8>),
    /// `open_length_check`: packets announce their length.
    Length(LengthFraming),
    /// `open_http_protocol`: a packet is a complete HTTP/1 request.
    Http,
    /// `open_redis_protocol`: a packet is a command of Redis.
    Redis,
    /// `open_mqtt_protocol`: a packet is one of MQTT.
    Mqtt,
}

impl Framing {
    /// Whether a peer expects one reply per packet, in the order of the packets.
    pub fn expects_replies(&self) -> bool {
        matches!(self, Framing::Http | Framing::Redis)
    }
}

/// Finds the packets of one connection. It remembers how far it has examined an incomplete packet, so that no byte is examined
/// twice.
///
/// ```
/// use swoosh_proto::framing::{FrameStatus, Framer, Framing};
///
/// let lines = Framing::EofSplit(b"\n".to_vec());
/// let mut framer = Framer::new();
/// let mut buffer = b"one\ntw".to_vec();
/// while let Ok(FrameStatus::Complete(length)) = framer.next(&lines, 1024, &buffer) {
///     let packet: Vec<u8> = buffer.drain(..length).collect();
///     assert_eq!(packet, b"one\n");
/// }
/// assert_eq!(buffer, b"tw");
/// ```
#[derive(Debug, Default)]
pub struct Framer {
    /// Bytes at the front of the buffer in which no end marker begins.
    searched: usize,
    /// The length of the incomplete packet, if it is known.
    length: Option<u64>,
    http: request_framer::Framer,
    redis: resp::Framer,
}

impl Framer {
    /// A framer for a new connection.
    pub fn new() -> Self {
        Framer::default()
    }

    /// Examines the packet at the front of `buf`.
    ///
    /// `buf` holds everything received and not yet consumed. After [`FrameStatus::Complete`] the caller removes that many
    /// bytes from the front before the next call; after [`FrameStatus::Incomplete`] it only appends. A buffer of `max`
    /// bytes suffices: a packet of exactly `max` bytes is accepted, and no longer one is waited for.
    ///
    /// # Errors
    /// If the packet is, or can only become, longer than `max` bytes, or is malformed. The connection should be closed;
    /// the results of further calls are unspecified.
    pub fn next(&mut self, config: &Framing, max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        self.next_indexed(config, max, buf, &mut HeadIndex::default())
    }

    /// Like [`next`](Self::next); `index` becomes the index of an HTTP request, see
    /// [`request_framer::Framer::next_indexed`], or empty.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    #[inline]
    pub fn next_indexed(
        &mut self,
        config: &Framing,
        max: u64,
        buf: &[u8],
        index: &mut HeadIndex,
    ) -> Result<FrameStatus, PeerFault> {
        index.clear();
        let status = match config {
            Framing::None if buf.is_empty() => FrameStatus::Incomplete(None),
            Framing::None => FrameStatus::Complete(buf.len()),
            Framing::EofCheck(eof) => last_eof(eof, max, buf)?,
            Framing::EofSplit(eof) => first_eof(&mut self.searched, eof, max, buf)?,
            Framing::Length(length) => self.by_length(length, max, buf)?,
            Framing::Redis => return self.redis.next(max, buf),
            Framing::Mqtt => return mqtt::next(max, buf),
            Framing::Http => return self.http.next_indexed(max, buf, index).map_err(PeerFault::Refused),
        };
        if let FrameStatus::Complete(_) = status {
            *self = Framer::default();
        }
        Ok(status)
    }

    /// Sets the rules for HTTP requests. Called before the first request.
    pub fn set_http_rules(&mut self, rules: request_framer::RequestRules) {
        self.http = request_framer::Framer::new(rules);
    }

    /// Bytes of the longest HTTP request like the current one, see [`request_framer::Framer::max_length`].
    pub fn max_request_length(&self, max: u64) -> u64 {
        self.http.max_length(max)
    }

    /// Whether the last HTTP request that was framed asks for another protocol.
    pub fn asks_for_upgrade(&self) -> bool {
        self.http.asks_for_upgrade()
    }

    /// Whether the HTTP peer waits for `100 Continue` before it sends a body; `true` once per request.
    pub fn take_expect_continue(&mut self) -> bool {
        self.http.take_expect_continue()
    }

    /// Whether an HTTP request was framed before, which may not be answered yet.
    pub fn has_framed(&self) -> bool {
        self.http.has_framed()
    }

    /// Whether the last HTTP request that was framed closes the connection: the bytes after it are not to be read.
    pub fn closes_connection(&self) -> bool {
        self.http.closes_connection()
    }

    /// Forgets the incomplete HTTP request, whose rest the caller reads by itself. The next byte that this framer gets is
    /// the first one of the next request.
    pub fn skip_request(&mut self) {
        self.http.skip_request();
    }

    /// The part of an HTTP request that has arrived, if the buffer holds `length` bytes.
    pub fn request_progress(&self, length: usize) -> Progress {
        self.http.progress(length)
    }

    fn by_length(&mut self, config: &LengthFraming, max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        let length = match self.length {
            Some(length) => length,
            None => match packet_length(config, buf)? {
                Some(length) => length,
                None if buf.len() as u64 >= max => return Err(PeerFault::TooLong { length: None, max }),
                None => return Ok(FrameStatus::Incomplete(None)),
            },
        };
        if length > max {
            return Err(PeerFault::TooLong { length: Some(length), max });
        }
        if length <= buf.len() as u64 {
            return Ok(FrameStatus::Complete(length as usize));
        }
        self.length = Some(length);
        Ok(FrameStatus::Incomplete(Some(length)))
    }
}
