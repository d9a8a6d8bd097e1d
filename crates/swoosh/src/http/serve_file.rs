//! Static files sent by a worker.

use crate::context::Context;
use crate::handler::SessionId;
use crate::proto::http1::request::{Field, Request};
use crate::static_files::{Files, Lookup, ReplyPart, lookup};

/// Sends the file for a request; false if the handler gets the request.
pub fn serve_file(
    node: &Context,
    files: &Files,
    session: SessionId,
    request: &Request<'_>,
    headers: &[Field<'_>],
) -> bool {
    let Lookup::Reply(reply) = lookup(files, request, headers) else { return false };
    let send = |part: &ReplyPart| match part {
        ReplyPart::Head(text) => node.send_head(session, text.as_bytes()),
        ReplyPart::Text(text) => node.send(session, text.as_bytes()),
        ReplyPart::File(file, from, to) => node.send_open_file(session, file, *from, *to),
    };
    // Marks the request as in progress, in case this process dies now.
    node.begin_request(session);
    let sent = reply.parts.iter().try_for_each(send);
    node.end_request(session);
    if let Err(e) = &sent {
        crate::log::info!("{e}");
    }
    if sent.is_err() || !reply.keep_alive {
        // An error means that the connection is closed already.
        let _ = node.close(session, false);
    }
    true
}
