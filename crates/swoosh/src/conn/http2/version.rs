//! The version of HTTP that a connection speaks.

use super::session::Session;
use std::rc::Rc;

/// The version of HTTP that a connection speaks.
pub(in crate::conn) enum Version {
    /// Its first bytes decide.
    Undecided,
    /// HTTP/1, or no HTTP at all.
    Http1,
    /// HTTP/2.
    Http2(Rc<Session>),
    /// HTTP/2 after an upgrade: the preface and the settings of the client are on the way, and its first stream is known.
    Upgrading(Box<Upgrading>),
}

/// A connection that was upgraded.
#[derive(Default)]
pub(in crate::conn) struct Upgrading {
    /// The client's bytes, until its settings are complete.
    pub(super) input: Vec<u8>,
    /// The frames that the request of HTTP/1.1 becomes, behind those settings.
    pub(super) first_stream: Vec<u8>,
}

impl Version {
    /// The version of a new connection. `has_http2`: its port speaks HTTP/2.
    pub(in crate::conn) fn initial(has_http2: bool) -> Self {
        if has_http2 { Version::Undecided } else { Version::Http1 }
    }
}
