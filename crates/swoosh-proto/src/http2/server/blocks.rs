//! Header blocks: requests and trailer sections.

use super::check::{fail, invalid_block};
use super::connection::{Ending, ServerConnection};
use super::event::Event;
use super::request::{Workspace, take_trailer};
use super::streams::Stream;
use crate::http2::frames::FrameHead;
use crate::http2::hpack::dynamic_table::ENTRY_OVERHEAD;
use crate::http2::{Violation, code};

type Next<'i, T> = Result<Option<Event<'i, T>>, Violation>;

impl<T> ServerConnection<T> {
    /// Handles a complete header block.
    pub(super) fn take_block<'i>(
        &mut self,
        stream: u32,
        is_end: bool,
        block: &[u8],
        workspace: &mut Workspace,
    ) -> Next<'i, T> {
        if stream <= self.streams.last {
            return self.take_trailers(stream, block, workspace);
        }
        self.streams.last = stream;
        workspace.message.clear();
        let (mut builder, scratch, message) = workspace.split(self.settings);
        let decoded = self.decoder.decode(block, scratch, |field| builder.take(field));
        if decoded.is_err() {
            return invalid_block();
        }
        if builder.list_size()
            > self.settings.max_header_list_size as usize * MAX_EXPANSION + FrameHead::DEFAULT_MAX_LENGTH
        {
            return fail(code::ENHANCE_YOUR_CALM, "a header block is too long");
        }
        if let Ending::LastStream(last) = self.ending
            && stream > last
        {
            // The client sends it again elsewhere (RFC 9113 section 6.8).
            self.ignore_rest(stream, is_end);
            return Ok(None);
        }
        if self.streams.active >= self.settings.max_concurrent_streams {
            self.ignore_rest(stream, is_end);
            self.put_reset(stream, code::REFUSED_STREAM);
            return Ok(None);
        }
        match builder.finish(!is_end, message) {
            Ok(head) => {
                let window = self.first_window();
                let state = Stream::new(i64::from(self.initial_send_window), window, head.content_length, !is_end);
                self.streams.insert(stream, state);
                let (form, is_too_large, is_head) = (head.form, head.is_too_large, head.is_head);
                Ok(Some(Event::Request { stream, form, is_too_large, is_head }))
            }
            Err(fault) => {
                self.ignore_rest(stream, is_end);
                self.put_reset(stream, code::PROTOCOL_ERROR);
                let code = code::PROTOCOL_ERROR;
                Ok(Some(Event::Reset { stream, code, fault: Some(fault), user_data: None }))
            }
        }
    }

    fn ignore_rest(&mut self, stream: u32, is_end: bool) {
        if !is_end {
            self.streams.ignore(stream);
        }
    }

    fn take_trailers<'i>(&mut self, stream: u32, block: &[u8], workspace: &mut Workspace) -> Next<'i, T> {
        workspace.message.clear();
        let (_, scratch, message) = workspace.split(self.settings);
        let (mut fault, mut list) = (None, 0);
        let max = self.settings.max_header_list_size as usize;
        let decoded = self.decoder.decode(block, scratch, |field| {
            list += field.name.len() + field.value.len() + ENTRY_OVERHEAD;
            if list <= max {
                take_trailer(field, &mut fault, message);
            }
        });
        if decoded.is_err() {
            return invalid_block();
        }
        if list > max {
            return fail(code::ENHANCE_YOUR_CALM, "a header block is too long");
        }
        if self.streams.get(stream).is_none() {
            self.streams.end_ignored(stream);
            return Ok(None);
        }
        match fault {
            Some(fault) => {
                self.streams.change(stream, |state| state.receives = false);
                Ok(Some(self.reset_for(stream, code::PROTOCOL_ERROR, fault)))
            }
            None => Ok(self.end_request(stream)),
        }
    }
}

/// How much longer than the limit a list of fields may be, until the connection ends.
const MAX_EXPANSION: usize = 4;
