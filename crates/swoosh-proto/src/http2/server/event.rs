//! Events of streams.

use super::request::BodyForm;

/// An event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i, T> {
    /// A request begins: [`message`](super::Workspace::message) is the HTTP/1 message of its head.
    Request {
        /// Its stream.
        stream: u32,
        /// The framing of its body.
        form: BodyForm,
        /// It has more fields than the settings allow: to be refused with 431. The message is empty.
        is_too_large: bool,
        /// Its method is HEAD.
        is_head: bool,
    },
    /// Bytes of a body. To be [released](super::ServerConnection::release) once they are taken.
    Data {
        /// Its stream.
        stream: u32,
        /// The bytes.
        data: &'i [u8],
    },
    /// A body is complete. [`message`](super::Workspace::message) is its trailer section, each field with its line break.
    End {
        /// Its stream.
        stream: u32,
    },
    /// A stream is closed by the client, or was reset because of its fault.
    Reset {
        /// The stream.
        stream: u32,
        /// The error code.
        code: u32,
        /// The fault of the client.
        fault: Option<&'static str>,
        /// The user data of the stream, if it had some.
        user_data: Option<T>,
    },
}
