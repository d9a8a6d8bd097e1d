//! Settings of HTTP/2 on a port. Numbers out of range are clamped: some of Swoole's defaults mean "no limit".

use super::rows::settings;
use crate::config::input::{Input, Note};
use crate::config::kind::{I32_MAX, Kind};
use crate::config::setting::{Setter, Target};
use crate::error::Result;

settings! { HTTP2 in Target::Port;
    /// Server push, which browsers do not support any more.
    http2_enable_push: Kind::Bool, "false" => Setter::Ignored("responses are never pushed");
    /// The table that clients may compress header fields with (HPACK, RFC 7541).
    http2_header_table_size: Kind::int(0, 65_536, "bytes"), "4096" =>
        Setter::Port(|p, v| clamped(&mut p.http2.header_table_size, v));
    /// Requests of one HTTP/2 connection at once; more are refused, and clients send them again.
    http2_max_concurrent_streams: Kind::int(1, I32_MAX, "streams"), "200" =>
        Setter::Port(|p, v| clamped(&mut p.http2.max_concurrent_streams, v));
    /// Bytes of a request's body that may be on the way.
    http2_init_window_size: Kind::int(1, I32_MAX, "bytes"), "65535" =>
        Setter::Port(|p, v| clamped(&mut p.http2.init_window_size, v));
    /// The longest HTTP/2 frame that clients may send.
    http2_max_frame_size: Kind::int(16_384, 16_777_215, "bytes"), "16384" =>
        Setter::Port(|p, v| clamped(&mut p.http2.max_frame_size, v));
    /// Bytes of the header fields of an HTTP/2 request, with 32 for each field.
    http2_max_header_list_size: Kind::int(1, 1 << 20, "bytes"), "65536" =>
        Setter::Port(|p, v| clamped(&mut p.http2.max_header_list_size, v));
    /// Header fields of an HTTP/2 request.
    http2_max_headers: Kind::int(1, 128, "fields"), "128" => Setter::Port(|p, v| clamped(&mut p.http2.max_headers, v));
    /// gRPC calls are handled once their head has arrived, by a `Swoosh\Grpc\Service`: messages and replies take turns. The
    /// port speaks HTTP/2. Not in Swoole.
    open_grpc_protocol: Kind::Bool, "false" => Setter::Port(|p, v| {
        p.http2.grpc_streams = v.value.to_bool();
        p.speaks_http2 |= p.http2.grpc_streams;
        p.framing.http |= p.http2.grpc_streams;
        Ok(None)
    });
}

/// Stores the number, clamped to the kind's range.
fn clamped(field: &mut u32, input: &Input<'_>) -> Result<Note> {
    let (number, note) = input.clamped();
    *field = number as u32;
    Ok(note)
}
