//! The result of a lookup, and the reply to send.

use std::fs::File;
use std::rc::Rc;

/// The result of a lookup.
#[derive(Debug)]
pub enum Lookup {
    /// The reply to send.
    Reply(FileReply),
    /// There is no such file: the handler gets the request.
    NotFound,
    /// The handler gets the request for another reason.
    Declined,
}

/// A response with a file, a listing or an error page.
#[derive(Debug)]
pub struct FileReply {
    /// The parts to send, in order.
    pub parts: Vec<ReplyPart>,
    /// The connection stays open after it.
    pub keep_alive: bool,
}

/// A part of a [`FileReply`].
#[derive(Debug)]
pub enum ReplyPart {
    /// Bytes that are followed by a range of a file.
    Head(String),
    /// Bytes that are not followed by a file.
    Text(String),
    /// A range of a file: from the first offset up to, not including, the second.
    File(Rc<File>, u64, u64),
}
