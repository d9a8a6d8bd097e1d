//! Settings of one port, without TLS.

use super::rows::settings;
use crate::config::checks::{EOF, check_eof};
use crate::config::kind::{I32_MAX, Kind, U32_MAX};
use crate::config::port::SlowConsumer;
use crate::config::port_settings::LEAST_PACKAGE_MAX;
use crate::config::setting::{Setter, Target};
use crate::config::value::{Callback, Value};
use swoosh_proto::framing::LengthType;

settings! { PORT in Target::Port;
    /// The length of the queue of connections not yet accepted, listen(2).
    backlog: Kind::int(1, I32_MAX, "connections"), "511" =>
        Setter::Port(|p, v| v.store_or_default(&mut p.config, |c| &mut c.backlog));
    /// Bytes that may be queued for a peer that does not read.
    socket_buffer_size: Kind::int(1, U32_MAX, "bytes"), "8 MiB" =>
        Setter::Port(|p, v| v.store_or_default(&mut p.config, |c| &mut c.socket_buffer_size));
    /// The `bufferFull` event is sent above that many queued bytes. 0: 80 % of `socket_buffer_size`.
    buffer_high_watermark: Kind::int(0, U32_MAX, "bytes"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.high_watermark));
    /// The `bufferEmpty` event is sent at or below that many queued bytes.
    buffer_low_watermark: Kind::int(0, U32_MAX, "bytes"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.low_watermark));
    /// The treatment of a peer whose buffer is full: data that does not fit is refused, and with `close` the connection is
    /// reset too. Not in Swoole.
    slow_consumer: Kind::OneOf(&["drop", "close"]), "drop" => Setter::Port(|p, v| {
        p.config.slow_consumer = match v.text()?.as_deref() {
            Some("drop") => SlowConsumer::Drop,
            Some("close") => SlowConsumer::Close,
            _ => return v.refused(v.kind.expected()),
        };
        Ok(None)
    });
    /// A connection that sends nothing for so long is closed, seconds. 0: never.
    heartbeat_idle_time | max_idle_time: Kind::int(0, U32_MAX, "seconds"), "twice `heartbeat_check_interval`" =>
        Setter::Port(|p, v| {
            p.idle_time = Some(v.number()?);
            Ok(None)
        });
    /// The time for the head of a request, and for the first request of a connection; 408 is the answer after that. 0: no
    /// limit. Not in Swoole.
    http_header_timeout: Kind::Seconds { min: 0, max: 86_400 }, "60" =>
        Setter::Port(|p, v| v.store(&mut p.config.http_header_timeout));
    /// The longest pause within the body of a request; 408 is the answer after that. 0: no limit. Not in Swoole.
    http_body_timeout: Kind::Seconds { min: 0, max: 86_400 }, "60" =>
        Setter::Port(|p, v| v.store(&mut p.config.http_body_timeout));
    /// TCP_NODELAY.
    open_tcp_nodelay: Kind::Bool, "true" => Setter::Port(|p, v| v.store(&mut p.config.tcp_nodelay));
    /// SO_KEEPALIVE.
    open_tcp_keepalive: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.config.tcp_keepalive));
    /// TCP_KEEPIDLE. 0: the kernel's default.
    tcp_keepidle: Kind::int(0, 32_767, "seconds"), "0" => Setter::Port(|p, v| v.store(&mut p.config.tcp_keepidle));
    /// TCP_KEEPINTVL. 0: the kernel's default.
    tcp_keepinterval: Kind::int(0, 32_767, "seconds"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.tcp_keepinterval));
    /// TCP_KEEPCNT. 0: the kernel's default.
    tcp_keepcount: Kind::int(0, 127, "probes"), "0" => Setter::Port(|p, v| v.store(&mut p.config.tcp_keepcount));
    /// TCP_USER_TIMEOUT. 0: the kernel's default.
    tcp_user_timeout: Kind::int(0, I32_MAX, "milliseconds"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.tcp_user_timeout));
    /// TCP_DEFER_ACCEPT. 0: off.
    tcp_defer_accept: Kind::int(0, I32_MAX, "seconds"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.tcp_defer_accept));
    /// TCP_FASTOPEN.
    tcp_fastopen: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.config.tcp_fastopen));
    /// SO_RCVBUF. 0: the kernel's default.
    kernel_socket_recv_buffer_size: Kind::int(0, I32_MAX, "bytes"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.recv_buffer));
    /// SO_SNDBUF. 0: the kernel's default.
    kernel_socket_send_buffer_size: Kind::int(0, I32_MAX, "bytes"), "0" =>
        Setter::Port(|p, v| v.store(&mut p.config.send_buffer));
    /// The port speaks HTTP/1.
    open_http_protocol: Kind::Bool, "true on the first port of an HTTP server" =>
        Setter::Port(|p, v| v.store(&mut p.framing.http));
    /// Requests of HTTP/1.1 without a `Host` field are refused with 400. Not in Swoole.
    http_require_host: Kind::Bool, "true" => Setter::Port(|p, v| v.store(&mut p.config.http_require_host));
    /// The port speaks WebSocket, and HTTP/1.
    open_websocket_protocol: Kind::Bool, "true on the first port of a WebSocket server" => Setter::Port(|p, v| {
        p.framing.http |= v.value.to_bool();
        Ok(None)
    });
    /// The port speaks HTTP/2, and HTTP/1.
    open_http2_protocol: Kind::Bool, "false" => Setter::Port(|p, v| {
        p.speaks_http2 = v.value.to_bool();
        p.framing.http |= p.speaks_http2;
        Ok(None)
    });
    /// Each packet is one Redis command.
    open_redis_protocol: Kind::Bool, "true on the first port of a Redis server" =>
        Setter::Port(|p, v| v.store(&mut p.framing.redis));
    /// Each packet is one MQTT packet.
    open_mqtt_protocol: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.framing.mqtt));
    /// A read that does not end with `package_eof` is continued.
    open_eof_check: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.framing.eof_check));
    /// Packets are split at `package_eof`.
    open_eof_split: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.framing.eof_split));
    /// The delimiter of packets.
    package_eof: EOF, "`\\r\\n`" => Setter::Port(|p, v| {
        let eof = v.bytes()?;
        check_eof(&eof)?;
        p.framing.eof = eof;
        Ok(None)
    });
    /// Packets carry their length in a field.
    open_length_check: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.framing.length_check));
    /// The format of the length field, a letter as of PHP's `pack`: `c C s S n v l L N V J P`.
    package_length_type: Kind::Text, "`N`" => Setter::Port(|p, v| {
        let letters = v.bytes()?;
        match letters.first().and_then(|&letter| length_type(letter)) {
            Some(length) => p.framing.length = length,
            None => return v.refused("one of the letters c C s S n v l L N V J P"),
        }
        let (name, first) = (v.name, char::from(letters[0]));
        Ok((letters.len() > 1).then(|| format!("of {name} only the first letter, {first}, counts")))
    });
    /// The offset of the length field in a packet.
    package_length_offset: Kind::int(0, 65_535, "bytes"), "0" => Setter::Port(|p, v| v.store(&mut p.framing.offset));
    /// The offset at which the bytes that the length counts begin.
    package_body_offset | package_body_start: Kind::int(0, 65_535, "bytes"), "4" =>
        Setter::Port(|p, v| v.store(&mut p.framing.body_offset));
    /// A function that returns a packet's length in place of a field: 0 for more bytes, negative to close the connection.
    package_length_func: Kind::Function("a function of the bytes so far that gives the packet's length"), "none" =>
        Setter::Port(|p, v| match v.value {
            Value::Func(Callback::Length(func)) => {
                p.framing.func = Some(func.clone());
                Ok(None)
            }
            _ => v.refused(v.kind.expected()),
        });
    /// The longest packet; raised to 64 KiB on ports of a server.
    package_max_length: Kind::int(1, U32_MAX, "bytes"), "2 MiB" => Setter::Port(|p, v| {
        let wanted: u64 = if v.value.whole_number() == Some(0) { 0 } else { v.number()? };
        p.package_max_length = Some(wanted);
        let name = v.name;
        Ok((wanted < LEAST_PACKAGE_MAX)
            .then(|| format!("{name} is raised from {wanted} to {LEAST_PACKAGE_MAX}, the least there is")))
    });
}

fn length_type(letter: u8) -> Option<LengthType> {
    Some(match letter {
        b'c' => LengthType::I8,
        b'C' => LengthType::U8,
        b's' => LengthType::I16,
        b'S' => LengthType::U16,
        b'n' => LengthType::U16Be,
        b'v' => LengthType::U16Le,
        b'l' => LengthType::I32,
        b'L' => LengthType::U32,
        b'N' => LengthType::U32Be,
        b'V' => LengthType::U32Le,
        b'J' => LengthType::U64Be,
        b'P' => LengthType::U64Le,
        _ => return None,
    })
}
