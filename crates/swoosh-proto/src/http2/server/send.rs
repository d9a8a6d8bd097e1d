//! Sends responses, within the windows of the client.

use super::connection::{Ending, ServerConnection};
use super::streams::Sending;
use crate::http2::frames::{FrameHead, put_header_block};
use crate::http2::hpack::encoder::Encoder;
use crate::http2::hpack::field::{is_name, is_value};
use crate::http2::response::Fields;

impl<T> ServerConnection<T> {
    /// Sends an interim response (1xx).
    pub fn send_interim(&mut self, stream: u32, status: u16, fields: &Fields<'_>) {
        if self.sending(stream) == Some(Sending::Head) {
            self.put_block(stream, Some(status), fields, false);
        }
    }

    /// Sends the final head of a response. `is_end`: it has no body. Names may be in any case; fields that HTTP/2 does not
    /// allow are left out.
    pub fn send_head(&mut self, stream: u32, status: u16, fields: &Fields<'_>, is_end: bool) {
        if self.sending(stream) == Some(Sending::Head) {
            self.put_block(stream, Some(status), fields, is_end);
            self.set_sending(stream, if is_end { Sending::Ended } else { Sending::Body });
        }
    }

    /// How many bytes of bodies may be sent now, by all streams together.
    pub fn connection_capacity(&self) -> usize {
        let window = self.send_window.max(0) as usize;
        window.min(OUTPUT_LIMIT.saturating_sub(self.output.len()))
    }

    /// How much of `wanted` bytes of a body may be sent now.
    pub fn send_capacity(&self, stream: u32, wanted: usize) -> usize {
        let Some(state) = self.streams.get(stream).filter(|state| state.sending == Sending::Body) else { return 0 };
        wanted.min(state.send_window.max(0) as usize).min(self.connection_capacity())
    }

    /// Sends bytes of a body, no more than there is [`send_capacity`](Self::send_capacity) for. `is_end`: the response ends.
    pub fn send_data(&mut self, stream: u32, data: &[u8], is_end: bool) {
        if self.sending(stream) != Some(Sending::Body) {
            return;
        }
        let mut rest = data;
        self.output.reserve(data.len() + FrameHead::LENGTH * (1 + data.len() / self.max_send_frame));
        loop {
            let (piece, behind) = rest.split_at(rest.len().min(self.max_send_frame));
            let is_last = behind.is_empty();
            let flags = if is_last && is_end { FrameHead::END_STREAM } else { 0 };
            if !is_last || is_end || !piece.is_empty() {
                self.put_head(piece.len(), FrameHead::DATA, flags, stream);
                self.output.extend_from_slice(piece);
            }
            rest = behind;
            if is_last {
                break;
            }
        }
        self.send_window -= data.len() as i64;
        if let Some(state) = self.streams.get_mut(stream) {
            state.send_window -= data.len() as i64;
        }
        if is_end {
            self.set_sending(stream, Sending::Ended);
        }
    }

    /// Sends the fields behind a body: the response ends.
    pub fn send_trailers(&mut self, stream: u32, fields: &Fields<'_>) {
        if self.sending(stream) == Some(Sending::Body) {
            self.put_block(stream, None, fields, true);
            self.set_sending(stream, Sending::Ended);
        }
    }

    fn sending(&self, stream: u32) -> Option<Sending> {
        if self.ending == Ending::Closed {
            return None;
        }
        self.streams.get(stream).map(|state| state.sending)
    }

    fn set_sending(&mut self, stream: u32, sending: Sending) {
        self.streams.change(stream, |state| state.sending = sending);
    }

    fn put_block(&mut self, stream: u32, status: Option<u16>, fields: &Fields<'_>, is_end: bool) {
        let start = self.output.len();
        let end_stream = if is_end { FrameHead::END_STREAM } else { 0 };
        self.put_head(0, FrameHead::HEADERS, end_stream | FrameHead::END_HEADERS, stream);
        encode(&mut self.encoder, &mut self.output, status, fields);
        let length = self.output.len() - start - FrameHead::LENGTH;
        if length <= self.max_send_frame {
            let head = FrameHead {
                length: length as u32,
                kind: FrameHead::HEADERS,
                flags: end_stream | FrameHead::END_HEADERS,
                stream,
            };
            return self.output[start..start + FrameHead::LENGTH].copy_from_slice(&head.encode());
        }
        let block = self.output.split_off(start + FrameHead::LENGTH);
        self.output.truncate(start);
        put_header_block(&mut self.output, stream, is_end, &block, self.max_send_frame);
    }
}

fn encode(encoder: &mut Encoder, out: &mut Vec<u8>, status: Option<u16>, fields: &Fields<'_>) {
    encoder.begin(out);
    if let Some(status) = status {
        encoder.put_status(out, status);
    }
    let mut buffer = [0; 64];
    for (name, value) in fields {
        let long;
        let lower = match buffer.get_mut(..name.len()) {
            Some(lower) => {
                lower.copy_from_slice(name);
                lower.make_ascii_lowercase();
                &*lower
            }
            None => {
                long = name.to_ascii_lowercase();
                &long[..]
            }
        };
        if is_name(lower) && is_value(value) {
            encoder.put(out, lower, value);
        }
    }
}

/// Bytes of output from which on bodies wait: the socket takes no more.
const OUTPUT_LIMIT: usize = 128 << 10;
