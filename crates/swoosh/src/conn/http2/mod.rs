//! HTTP/2 (RFC 9113) on a connection.
//!
//! Runs in: the thread that owns the connection.
//!
//! A connection that speaks HTTP/2 has a [`Session`](session::Session). Each of its streams is a [`Connection`] of its own,
//! whose transport is the stream: its request is read as an HTTP/1 message, and what is written to it is translated from
//! HTTP/1. So everything behind the connection (framing, long bodies in files, dispatch, admission, handlers) is the same for
//! both versions.
//!
//! | module | contents |
//! |---|---|
//! | `session` | the HTTP/2 connection: state, limits, end |
//! | `drive` | the tasks: frames are exchanged, streams accepted, read and written |
//! | `version` | the version that a connection speaks |
//! | `stream` | one stream: response -> frames, within its flow control |
//! | `receive` | bytes of a client -> its requests |
//! | `body` | the part of a request that has arrived |
//! | `start` | how a connection begins to speak HTTP/2 |
//!
//! [`Connection`]: super::connection::Connection

mod body;
pub(super) mod drive;
mod receive;
pub(super) mod session;
pub(super) mod start;
pub(super) mod stream;
pub(super) mod version;
