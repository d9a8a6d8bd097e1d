//! The state of a connection, and its end.

use super::input::Input;
use super::settings::ServerSettings;
use super::streams::{Sending, Stream, Streams};
use crate::http2::budget::FrameBudget;
use crate::http2::frames::FrameHead;
use crate::http2::hpack::decoder::Decoder;
use crate::http2::hpack::encoder::Encoder;
use crate::http2::settings::setting;
use crate::http2::{code, goaway, ping};

/// The server's side of one connection. `T` is the caller's data of each stream.
///
/// Bytes of the client are passed to [`next`](Self::next), which returns events; responses are passed to `send_head`,
/// `send_data` and `send_trailers`; what is to be sent is taken by [`take_output`](Self::take_output).
///
/// ```
/// use swoosh_proto::http2::PREFACE;
/// use swoosh_proto::http2::server::{Event, ServerConnection, ServerSettings, Workspace};
///
/// let mut connection = ServerConnection::<()>::new(ServerSettings::default());
/// let mut workspace = Workspace::default();
/// // The preface, SETTINGS, and HEADERS of `GET / HTTP/2` for the host `a`.
/// let mut input = &[&PREFACE[..], b"\0\0\0\x04\0\0\0\0\0", b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a"].concat()[..];
/// let Ok(Some(Event::Request { stream, .. })) = connection.next(&mut input, &mut workspace, 0) else { panic!() };
/// assert_eq!(workspace.message, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
///
/// connection.send_head(stream, 200, &[(b"Server", b"swoosh")], false);
/// assert_eq!(connection.send_capacity(stream, 2), 2);
/// connection.send_data(stream, b"ok", true);
/// let output = connection.take_output(Vec::new());
/// assert!(output.ends_with(b"\0\0\x02\0\x01\0\0\0\x01ok"));
/// ```
#[derive(Debug)]
pub struct ServerConnection<T> {
    pub(super) settings: ServerSettings,
    pub(super) input: Input,
    pub(super) budget: FrameBudget,
    pub(super) has_settings: bool,
    pub(super) has_ack: bool,
    /// The last stream of the client's last GOAWAY.
    pub(super) client_goaway: Option<u32>,
    pub(super) decoder: Decoder,
    pub(super) encoder: Encoder,
    pub(super) streams: Streams<T>,
    /// Bytes of bodies that the client takes now.
    pub(super) send_window: i64,
    /// The client's SETTINGS_INITIAL_WINDOW_SIZE.
    pub(super) initial_send_window: u32,
    /// The client's SETTINGS_MAX_FRAME_SIZE.
    pub(super) max_send_frame: usize,
    /// Bytes of bodies that the client may send now.
    pub(super) receive_window: i64,
    /// Bytes that were released, and not announced to the client.
    pub(super) unannounced: u32,
    pub(super) output: Vec<u8>,
    pub(super) ending: Ending,
    /// The last stream that a GOAWAY has named: later ones name none above it (RFC 9113 section 6.8).
    last_announced: u32,
}

/// How far the end of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    /// The first GOAWAY was sent; streams on the way are accepted until the client has answered.
    Announced,
    /// Streams behind this one are not accepted.
    LastStream(u32),
    /// Nothing is received or sent any more.
    Closed,
}

impl<T> ServerConnection<T> {
    /// A connection before the client's preface. The server's own preface is its first output.
    pub fn new(mut settings: ServerSettings) -> Self {
        settings.connection_window = settings.connection_window.max(INITIAL_WINDOW);
        let mut connection = ServerConnection {
            settings,
            input: Default::default(),
            budget: FrameBudget::default(),
            has_settings: false,
            has_ack: false,
            client_goaway: None,
            decoder: Decoder::new(settings.header_table_size as usize),
            encoder: Encoder::default(),
            streams: Streams::default(),
            send_window: i64::from(INITIAL_WINDOW),
            initial_send_window: INITIAL_WINDOW,
            max_send_frame: FrameHead::DEFAULT_MAX_LENGTH,
            receive_window: i64::from(settings.connection_window),
            unannounced: 0,
            output: Vec::new(),
            ending: Ending::No,
            last_announced: MAX_STREAM,
        };
        connection.put_preface();
        connection
    }

    fn put_preface(&mut self) {
        let settings = [
            (setting::HEADER_TABLE_SIZE, self.settings.header_table_size),
            (setting::MAX_CONCURRENT_STREAMS, self.settings.max_concurrent_streams),
            (setting::INITIAL_WINDOW_SIZE, self.settings.initial_window_size),
            (setting::MAX_FRAME_SIZE, self.settings.max_frame_size),
            (setting::MAX_HEADER_LIST_SIZE, self.settings.max_header_list_size),
            (setting::ENABLE_CONNECT_PROTOCOL, 1),
        ];
        let settings = &settings[..settings.len() - usize::from(!self.settings.connect_protocol)];
        self.put_head(6 * settings.len(), FrameHead::SETTINGS, 0, 0);
        for &(identifier, value) in settings {
            self.output.extend_from_slice(&identifier.to_be_bytes());
            self.output.extend_from_slice(&value.to_be_bytes());
        }
        let more = self.settings.connection_window - INITIAL_WINDOW;
        if more > 0 {
            self.put_window_update(0, more);
        }
    }

    /// Gives a stream its user data.
    pub fn set_user_data(&mut self, stream: u32, user_data: T) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.user_data = Some(user_data);
        }
    }

    /// The user data of a stream.
    pub fn user_data(&self, stream: u32) -> Option<&T> {
        self.streams.get(stream)?.user_data.as_ref()
    }

    /// The user data of all streams.
    pub fn all_user_data(&mut self) -> impl Iterator<Item = &T> {
        self.streams.all_mut().filter_map(|stream| stream.user_data.as_ref())
    }

    /// The caller has taken so many bytes of a body: the client may send as many more.
    pub fn release(&mut self, stream: u32, bytes: usize) {
        let Some(state) = self.streams.get_mut(stream) else { return };
        let bytes = bytes.min(state.unreleased as usize) as u32;
        state.unreleased -= bytes;
        self.announce(stream, bytes);
        self.release_connection(bytes);
    }

    /// Gives bytes back to the window of a stream.
    pub(super) fn announce(&mut self, stream: u32, bytes: u32) {
        // One stream that is not read leaves capacity for the others.
        let limit = self.settings.connection_window / 4;
        let Some(state) = self.streams.get_mut(stream) else { return };
        state.unannounced += bytes;
        if state.receives && state.unannounced >= state.window_size / 2 {
            let grown = state.window_size.saturating_mul(2).clamp(state.window_size, limit.max(state.window_size));
            let more = std::mem::take(&mut state.unannounced) + (grown - state.window_size);
            state.window_size = grown;
            state.receive_window += i64::from(more);
            self.put_window_update(stream, more);
        }
    }

    /// Gives bytes back to the window of the connection.
    pub(super) fn release_connection(&mut self, bytes: u32) {
        self.unannounced += bytes;
        if self.unannounced >= self.settings.connection_window / 2 {
            let more = std::mem::take(&mut self.unannounced);
            self.receive_window += i64::from(more);
            self.put_window_update(0, more);
        }
    }

    /// The caller is done with a stream, whose response has ended or which was reset. RST_STREAM
    /// with NO_ERROR stops a client that still sends its request (RFC 9113 section 8.1).
    pub fn close(&mut self, stream: u32) {
        let Some(state) = self.streams.get(stream) else { return };
        if state.sending != Sending::Ended {
            self.reset(stream, code::INTERNAL_ERROR);
        } else if state.receives {
            self.reset(stream, code::NO_ERROR);
        } else {
            self.drop_stream(stream, true);
        }
    }

    /// Ends a stream with an error code.
    pub fn reset(&mut self, stream: u32, code: u32) {
        if self.drop_stream(stream, false).is_some() {
            self.put_reset(stream, code);
        }
    }

    pub(super) fn put_reset(&mut self, stream: u32, code: u32) {
        if self.ending != Ending::Closed {
            self.put_head(4, FrameHead::RST_STREAM, 0, stream);
            self.output.extend_from_slice(&code.to_be_bytes());
        }
    }

    pub(super) fn drop_stream(&mut self, stream: u32, client_ended: bool) -> Option<Stream<T>> {
        let state = self.streams.remove(stream, client_ended)?;
        self.release_connection(state.unreleased);
        Some(state)
    }

    /// Whether streams are open, or not [closed](Self::close) by the caller.
    pub fn has_streams(&self) -> bool {
        !self.streams.is_empty()
    }

    /// The client's last stream; 0 before the first one.
    pub fn last_stream(&self) -> u32 {
        self.streams.last
    }

    /// Tells the client to open no more streams. Those that are on the way are accepted until it has answered (RFC 9113 section
    /// 6.8).
    pub fn shut_down(&mut self) {
        if self.ending == Ending::No {
            self.ending = Ending::Announced;
            if self.last_announced < MAX_STREAM {
                return self.finish_shut_down();
            }
            self.put_goaway(MAX_STREAM, code::NO_ERROR, b"");
            self.ping(SHUTDOWN_PING);
        }
    }

    pub(super) fn finish_shut_down(&mut self) {
        if self.ending == Ending::Announced {
            self.put_goaway(self.streams.last, code::NO_ERROR, b"");
            self.ending = Ending::LastStream(self.last_announced);
        }
    }

    /// Whether the client may still open streams after [`shut_down`](Self::shut_down), because it may not know yet.
    pub fn awaits_client(&self) -> bool {
        self.ending == Ending::Announced
    }

    /// Whether the client has begun with its preface and its settings.
    pub fn has_begun(&self) -> bool {
        self.has_settings
    }

    /// Whether the connection has ended in order: no stream is open, and none will be.
    pub fn is_done(&self) -> bool {
        let opens_none = matches!(self.ending, Ending::LastStream(_)) || self.client_goaway.is_some();
        opens_none && self.streams.is_empty()
    }

    /// Sends a GOAWAY with an error code and a text for the client's log. The connection goes on.
    pub fn go_away(&mut self, code: u32, debug: &[u8]) {
        if self.ending != Ending::Closed {
            self.put_goaway(self.streams.last, code, debug);
        }
    }

    fn put_goaway(&mut self, last: u32, code: u32, debug: &[u8]) {
        self.last_announced = self.last_announced.min(last);
        self.output.extend_from_slice(&goaway(self.last_announced, code, debug));
    }

    /// Ends the connection at once: a GOAWAY, with a text for the client's log, is its last output.
    pub fn abort(&mut self, code: u32, debug: &[u8]) {
        if self.ending != Ending::Closed {
            self.go_away(code, debug);
            self.ending = Ending::Closed;
            self.input = Default::default();
        }
    }

    /// Sends a PING.
    pub fn ping(&mut self, data: [u8; 8]) {
        if self.ending != Ending::Closed {
            self.output.extend_from_slice(&ping(data));
        }
    }

    /// Bytes that are to be sent.
    pub fn output_length(&self) -> usize {
        self.output.len()
    }

    /// Takes what is to be sent, and leaves `empty` for what follows.
    pub fn take_output(&mut self, empty: Vec<u8>) -> Vec<u8> {
        let output = std::mem::replace(&mut self.output, empty);
        self.budget.note_sent(output.len() as u64);
        output
    }

    /// Whether it has memory for output.
    pub fn has_buffer(&self) -> bool {
        self.output.capacity() > 0
    }

    /// Has frames written to `buffer`, which is empty, unless there is memory for them.
    pub fn lend_output(&mut self, buffer: Vec<u8>) {
        if !self.has_buffer() {
            self.output = buffer;
        }
    }

    pub(super) fn put_head(&mut self, length: usize, kind: u8, flags: u8, stream: u32) {
        let head = FrameHead { length: length as u32, kind, flags, stream };
        self.output.extend_from_slice(&head.encode());
    }

    pub(super) fn put_window_update(&mut self, stream: u32, increment: u32) {
        if self.ending == Ending::Closed {
            return;
        }
        self.put_head(4, FrameHead::WINDOW_UPDATE, 0, stream);
        self.output.extend_from_slice(&increment.to_be_bytes());
    }
}

/// The window of a connection, and of streams, before any setting (RFC 9113 section 6.9.2).
pub(super) const INITIAL_WINDOW: u32 = 65_535;
/// The largest number of a stream (RFC 9113 section 5.1.1).
const MAX_STREAM: u32 = 0x7fff_ffff;
/// The PING behind the first GOAWAY: its answer says that the client has read both.
pub(super) const SHUTDOWN_PING: [u8; 8] = *b"shutdown";
