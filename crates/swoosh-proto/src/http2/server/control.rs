//! Frames that change windows and settings.

use super::check::{fail, protocol};
use super::connection::{INITIAL_WINDOW, ServerConnection};
use super::event::Event;
use crate::http2::frames::FrameHead;
use crate::http2::settings::setting;
use crate::http2::{Violation, code};

impl<T> ServerConnection<T> {
    /// RFC 9113 section 6.5.2, RFC 8441 section 3.
    pub(super) fn take_settings(&mut self, payload: &[u8]) -> Result<(), Violation> {
        for setting in payload.as_chunks::<6>().0 {
            let [a, b, value @ ..] = *setting;
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([a, b]) {
                setting::HEADER_TABLE_SIZE => self.encoder.resize(value as usize),
                setting::ENABLE_PUSH | setting::ENABLE_CONNECT_PROTOCOL if value > 1 => {
                    return protocol("ENABLE_PUSH or ENABLE_CONNECT_PROTOCOL is neither 0 nor 1");
                }
                setting::INITIAL_WINDOW_SIZE if value > MAX_WINDOW as u32 => {
                    return fail(code::FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is above 2^31-1");
                }
                setting::INITIAL_WINDOW_SIZE => {
                    let change = i64::from(value) - i64::from(self.initial_send_window);
                    self.initial_send_window = value;
                    for stream in self.streams.all_mut() {
                        stream.send_window += change;
                        if stream.send_window > MAX_WINDOW {
                            return fail(
                                code::FLOW_CONTROL_ERROR,
                                "INITIAL_WINDOW_SIZE makes a window larger than 2^31-1",
                            );
                        }
                    }
                }
                setting::MAX_FRAME_SIZE if !(16_384..=0xff_ffff).contains(&value) => {
                    return protocol("MAX_FRAME_SIZE is out of range");
                }
                setting::MAX_FRAME_SIZE => self.max_send_frame = (value as usize).min(MAX_SEND_FRAME),
                _ => {}
            }
        }
        self.put_head(0, FrameHead::SETTINGS, FrameHead::ACK, 0);
        Ok(())
    }

    /// The window of a stream that begins now. Until the client has acknowledged the settings, it may use the initial window
    /// (RFC 9113 section 6.9.3).
    pub(super) fn first_window(&self) -> u32 {
        let own = self.settings.initial_window_size;
        if self.has_ack { own } else { own.max(INITIAL_WINDOW) }
    }

    /// The client has acknowledged the settings: it has changed the windows of its streams (RFC 9113 section 6.9.2).
    pub(super) fn acknowledge_window(&mut self) {
        let change = self.first_window() - self.settings.initial_window_size;
        for stream in self.streams.all_mut() {
            stream.receive_window -= i64::from(change);
            stream.window_size -= change;
        }
    }

    pub(super) fn take_window_update<'i>(
        &mut self,
        stream: u32,
        increment: u32,
    ) -> Result<Option<Event<'i, T>>, Violation> {
        if increment == 0 {
            return protocol("WINDOW_UPDATE with an increment of 0");
        }
        let increment = i64::from(increment);
        if stream == 0 {
            self.send_window += increment;
            if self.send_window > MAX_WINDOW {
                return fail(code::FLOW_CONTROL_ERROR, "the window of the connection is above 2^31-1");
            }
            return Ok(None);
        }
        let Some(state) = self.streams.get_mut(stream) else { return Ok(None) };
        state.send_window += increment;
        if state.send_window > MAX_WINDOW {
            let fault = "the window of the stream is above 2^31-1";
            return Ok(Some(self.reset_for(stream, code::FLOW_CONTROL_ERROR, fault)));
        }
        Ok(None)
    }
}

/// The longest frame that is sent.
const MAX_SEND_FRAME: usize = 64 << 10;
/// The largest window (RFC 9113 section 6.9.1).
const MAX_WINDOW: i64 = 0x7fff_ffff;
