//! Frames of the client -> events.
//!
//! DATA is passed on as it arrives; other frames are handled once they are complete. Each is checked with its head, as far as the
//! head shows a violation.

use super::check::{PADDED, fail, fixed_part, protocol};
use super::connection::{Ending, SHUTDOWN_PING, ServerConnection};
use super::event::Event;
use super::input::Block;
use super::request::Workspace;
use crate::http2::budget::Flood;
use crate::http2::frames::FrameHead;
use crate::http2::{PREFACE, Violation, code};

type Checked = Result<(), Violation>;
type Next<'i, T> = Result<Option<Event<'i, T>>, Violation>;

impl<T> ServerConnection<T> {
    /// Takes bytes of the client from the front of `input`, up to the next event; `None`: all bytes are taken. `now`: monotonic
    /// milliseconds.
    ///
    /// # Errors
    /// If the client breaks a rule: the connection is to be [ended](Self::abort) with that code.
    pub fn next<'i>(&mut self, input: &mut &'i [u8], workspace: &mut Workspace, now: u64) -> Next<'i, T> {
        loop {
            if self.ending == Ending::Closed {
                *input = &[];
                return Ok(None);
            }
            if let Some(head) = self.input.frame {
                let Some(event) = self.take_payload(head, input, workspace)? else { return Ok(None) };
                if self.input.frame.is_none() && self.input.block.is_none() {
                    self.input.frames = self.input.frames.wrapping_add(1);
                }
                if let Progress::Event(event) = event {
                    self.count_reset(&event, now)?;
                    return Ok(Some(event));
                }
                continue;
            }
            if self.input.preface < PREFACE.len() {
                self.take_preface(input)?;
            }
            if !self.take_head(input, now)? {
                return Ok(None);
            }
        }
    }

    /// Whether something other than a body is incomplete.
    pub fn is_incomplete(&self) -> bool {
        let is_data = self.input.frame.is_some_and(|head| head.kind == FrameHead::DATA);
        self.input.block.is_some() || self.input.have > 0 || self.input.frame.is_some() && !is_data
    }

    /// A stream that the server has to reset costs what a reset by the client costs (CVE-2025-8671).
    fn count_reset(&mut self, event: &Event<'_, T>, now: u64) -> Checked {
        if let Event::Reset { stream, fault: Some(_), .. } = *event {
            let reset = FrameHead { length: 4, kind: FrameHead::RST_STREAM, flags: 0, stream };
            self.budget.count(&reset, now).or_else(|Flood(kind)| fail(code::ENHANCE_YOUR_CALM, kind))?;
        }
        Ok(())
    }

    /// Complete frames and header blocks so far; wraps around.
    pub fn frames(&self) -> u32 {
        self.input.frames
    }

    fn take_preface(&mut self, input: &mut &[u8]) -> Checked {
        let wanted = &PREFACE[self.input.preface..];
        let taken = wanted.len().min(input.len());
        if wanted[..taken] != input[..taken] {
            return protocol("the preface is malformed");
        }
        self.input.preface += taken;
        *input = &input[taken..];
        Ok(())
    }

    /// Takes the head of a frame; whether it is complete.
    fn take_head(&mut self, input: &mut &[u8], now: u64) -> Result<bool, Violation> {
        let have = self.input.have;
        let taken = input.len().min(FrameHead::LENGTH - have);
        self.input.head[have..have + taken].copy_from_slice(&input[..taken]);
        *input = &input[taken..];
        self.input.have += taken;
        if self.input.have < FrameHead::LENGTH {
            return Ok(false);
        }
        self.input.have = 0;
        let head = FrameHead::decode(&self.input.head);
        if let Err(Flood(kind)) = self.budget.count(&head, now) {
            return fail(code::ENHANCE_YOUR_CALM, kind);
        }
        self.check_head(&head)?;
        self.input.frame = Some(head);
        self.input.left = head.length as usize;
        match head.kind {
            FrameHead::DATA => self.begin_data(&head)?,
            FrameHead::SETTINGS => self.has_settings = true,
            _ => {}
        }
        Ok(true)
    }

    /// Takes bytes of a payload; `None`: more are needed.
    fn take_payload<'i>(
        &mut self,
        head: FrameHead,
        input: &mut &'i [u8],
        workspace: &mut Workspace,
    ) -> Result<Option<Progress<'i, T>>, Violation> {
        match head.kind {
            FrameHead::DATA => return self.take_data(head, input, workspace),
            FrameHead::PRIORITY | FrameHead::CONTINUATION.. if head.kind != FrameHead::CONTINUATION => {
                // Ignored (RFC 9113 sections 5.3.2 and 5.5).
                self.input.left -= skip(input, self.input.left);
                if self.input.left > 0 {
                    return Ok(None);
                }
                self.input.frame = None;
                return Ok(Some(Progress::Frame));
            }
            _ => {}
        }
        let length = head.length as usize;
        let missing = length - self.input.payload.len();
        if input.len() < missing {
            self.input.payload.extend_from_slice(input);
            *input = &[];
            return Ok(None);
        }
        let (rest, behind) = input.split_at(missing);
        *input = behind;
        self.input.frame = None;
        let event = if self.input.payload.is_empty() {
            self.take_frame(head, rest, workspace)?
        } else {
            let mut payload = std::mem::take(&mut self.input.payload);
            payload.extend_from_slice(rest);
            self.take_frame(head, &payload, workspace)?
        };
        Ok(Some(event.map_or(Progress::Frame, Progress::Event)))
    }

    /// A DATA frame begins.
    fn begin_data(&mut self, head: &FrameHead) -> Checked {
        let length = i64::from(head.length);
        self.input.awaits_padding = head.flags & PADDED != 0;
        self.input.padding = 0;
        if length > self.receive_window {
            return fail(code::FLOW_CONTROL_ERROR, "DATA beyond the window of the connection");
        }
        self.receive_window -= length;
        self.input.is_delivered = self.streams.get(head.stream).is_some_and(|state| state.receives);
        Ok(())
    }

    fn take_data<'i>(
        &mut self,
        head: FrameHead,
        input: &mut &'i [u8],
        workspace: &mut Workspace,
    ) -> Result<Option<Progress<'i, T>>, Violation> {
        // The server may have ended the stream within the frame.
        self.input.is_delivered &= self.streams.get(head.stream).is_some();
        if self.input.awaits_padding {
            let Some((&padding, rest)) = input.split_first() else { return Ok(None) };
            *input = rest;
            self.input.left -= 1;
            if usize::from(padding) > self.input.left {
                return protocol("the padding is longer than the payload");
            }
            (self.input.awaits_padding, self.input.padding) = (false, usize::from(padding));
            // The padding counts towards both windows (RFC 9113 section 6.9.1).
            let bytes = 1 + u32::from(padding);
            self.release_connection(bytes);
            if let Some(state) = self.streams.get_mut(head.stream) {
                state.receive_window -= i64::from(bytes);
                self.announce(head.stream, bytes);
            }
        }
        let is_first = self.input.left + usize::from(head.flags & PADDED != 0) == head.length as usize;
        if self.input.is_delivered
            && is_first
            && let Some((code, fault)) = self.fault_of_data(&head)
        {
            self.input.is_delivered = false;
            return Ok(Some(Progress::Event(self.reset_for(head.stream, code, fault))));
        }
        let data = self.input.left.saturating_sub(self.input.padding).min(input.len());
        if data > 0 {
            let (piece, rest) = input.split_at(data);
            *input = rest;
            self.input.left -= data;
            if !self.input.is_delivered {
                self.release_connection(data as u32);
            } else if let Some(state) = self.streams.get_mut(head.stream) {
                state.unreleased += data as u32;
                state.receive_window -= data as i64;
                state.expected = state.expected.map(|expected| expected - data as u64);
                // The frame goes on with its padding, or its end.
                return Ok(Some(Progress::Event(Event::Data { stream: head.stream, data: piece })));
            }
        }
        self.input.left -= skip(input, self.input.left.min(self.input.padding));
        if self.input.left > 0 {
            return Ok(None);
        }
        self.input.frame = None;
        if head.flags & FrameHead::END_STREAM == 0 {
            return Ok(Some(Progress::Frame));
        }
        if !self.input.is_delivered {
            self.streams.end_ignored(head.stream);
            return Ok(Some(Progress::Frame));
        }
        workspace.message.clear();
        Ok(Some(self.end_request(head.stream).map_or(Progress::Frame, Progress::Event)))
    }

    /// The fault of a DATA frame whose padding is known (RFC 9113 sections 5.2 and 8.1.1).
    fn fault_of_data(&self, head: &FrameHead) -> Option<(u32, &'static str)> {
        let state = self.streams.get(head.stream)?;
        let data = self.input.left.saturating_sub(self.input.padding) as u64;
        if data as i64 > state.receive_window {
            return Some((code::FLOW_CONTROL_ERROR, "the client has sent more than the window of the stream allows"));
        }
        let is_too_long = state.expected.is_some_and(|expected| data > expected);
        is_too_long.then_some((code::PROTOCOL_ERROR, "the body is longer than `content-length`"))
    }

    /// The client has ended its request.
    pub(super) fn end_request<'i>(&mut self, stream: u32) -> Option<Event<'i, T>> {
        if self.streams.get(stream)?.expected.is_some_and(|expected| expected > 0) {
            let fault = "the body is shorter than `content-length`";
            self.streams.change(stream, |state| state.receives = false);
            return Some(self.reset_for(stream, code::PROTOCOL_ERROR, fault));
        }
        self.streams.change(stream, |state| state.receives = false);
        Some(Event::End { stream })
    }

    /// Resets a stream because of its client's fault.
    pub(super) fn reset_for<'i>(&mut self, stream: u32, code: u32, fault: &'static str) -> Event<'i, T> {
        let user_data = self.drop_stream(stream, false).and_then(|state| state.user_data);
        self.put_reset(stream, code);
        Event::Reset { stream, code, fault: Some(fault), user_data }
    }

    /// Handles a complete frame other than DATA.
    fn take_frame<'i>(&mut self, head: FrameHead, payload: &[u8], workspace: &mut Workspace) -> Next<'i, T> {
        match head.kind {
            FrameHead::HEADERS => {
                let block = fragment(&head, payload)?;
                let is_end = head.flags & FrameHead::END_STREAM != 0;
                if head.flags & FrameHead::END_HEADERS != 0 {
                    return self.take_block(head.stream, is_end, block, workspace);
                }
                let block = Block { stream: head.stream, is_end, bytes: block.to_vec() };
                self.input.block = Some(Box::new(block));
                Ok(None)
            }
            FrameHead::CONTINUATION => {
                let Some(block) = &mut self.input.block else { return Ok(None) };
                block.bytes.extend_from_slice(payload);
                if block.bytes.len() > self.settings.max_header_list_size as usize + FrameHead::DEFAULT_MAX_LENGTH {
                    return fail(code::ENHANCE_YOUR_CALM, "a header block is too long");
                }
                if head.flags & FrameHead::END_HEADERS == 0 {
                    return Ok(None);
                }
                match self.input.block.take() {
                    Some(block) => self.take_block(block.stream, block.is_end, &block.bytes, workspace),
                    None => Ok(None),
                }
            }
            FrameHead::RST_STREAM => {
                let code = number(payload);
                self.streams.end_ignored(head.stream);
                let Some(state) = self.drop_stream(head.stream, true) else { return Ok(None) };
                Ok(Some(Event::Reset { stream: head.stream, code, fault: None, user_data: state.user_data }))
            }
            FrameHead::SETTINGS if head.flags & FrameHead::ACK != 0 => {
                self.acknowledge_window();
                self.has_ack = true;
                self.decoder.acknowledge_limit(self.settings.header_table_size as usize);
                Ok(None)
            }
            FrameHead::SETTINGS => self.take_settings(payload).map(|()| None),
            FrameHead::PING => {
                if head.flags & FrameHead::ACK == 0 {
                    self.put_head(8, FrameHead::PING, FrameHead::ACK, 0);
                    self.output.extend_from_slice(payload);
                } else if payload == SHUTDOWN_PING {
                    self.finish_shut_down();
                }
                Ok(None)
            }
            FrameHead::GOAWAY => {
                let last = number(payload) & 0x7fff_ffff;
                if self.client_goaway.is_some_and(|earlier| last > earlier) {
                    return protocol("the last stream of a GOAWAY is above that of the GOAWAY before");
                }
                self.client_goaway = Some(last);
                Ok(None)
            }
            FrameHead::WINDOW_UPDATE => self.take_window_update(head.stream, number(payload) & 0x7fff_ffff),
            _ => Ok(None),
        }
    }
}

/// The outcome of bytes of a payload.
enum Progress<'i, T> {
    /// The frame is complete, without an event.
    Frame,
    Event(Event<'i, T>),
}

/// Takes at most `length` bytes from the front of the input; their number.
fn skip(input: &mut &[u8], length: usize) -> usize {
    let taken = input.len().min(length);
    *input = &input[taken..];
    taken
}

/// The part of the payload of HEADERS that belongs to the block.
fn fragment<'p>(head: &FrameHead, payload: &'p [u8]) -> Result<&'p [u8], Violation> {
    let padding = if head.flags & PADDED != 0 { usize::from(payload[0]) } else { 0 };
    let start = fixed_part(head) as usize;
    match payload.len().checked_sub(padding) {
        Some(end) if end >= start => Ok(&payload[start..end]),
        _ => protocol("the padding is longer than the payload"),
    }
}

/// The first four bytes of a payload, of which the frame's length is checked.
fn number(payload: &[u8]) -> u32 {
    payload.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
