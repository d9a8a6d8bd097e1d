//! `Swoole\WebSocket\Server`, `Frame` and `CloseFrame`.

use super::server_object::{Server, state};
use crate::runtime::last_error;
use crate::server::classes::HTTP_SERVER;
use crate::server::classes::WEBSOCKET_SERVER;
use crate::server::send_yield::{self, Output};
use crate::server::state::{session as id_of, succeeded};
use crate::server::websocket::frame::{
    CLOSE_FRAME, CODE, COMPRESS, DATA, FIN, FINISH, FLAGS, FRAME, MASK, OPCODE, OutgoingFrame, REASON, RSV1,
    close_code, fits_control, mask,
};
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh::proto::websocket::deflate::{self, DeflateParams};
use swoosh::proto::websocket::{close_frame, put_frame, unmask};
use swoosh_zend::{Call, Class, ClassBuilder, Object, OrFalse, PhpResult, Value, Zval};

const PACK: &str = "static pack(Swoole\\WebSocket\\Frame|string $data, int $opcode = WEBSOCKET_OPCODE_TEXT, int $flags = SWOOLE_WEBSOCKET_FLAG_FIN): string";
const UNPACK: &str = "static unpack(string $data): Swoole\\WebSocket\\Frame";

/// Registers the three. The order of properties is the order of slots in `server::websocket::frame`.
pub fn register() {
    ClassBuilder::new("Swoole\\WebSocket\\Server")
        .alias("swoole_websocket_server")
        .extends(HTTP_SERVER.get())
        .payload::<Server>()
        .method(
            "push(int $fd, Swoole\\WebSocket\\Frame|string $data, int $opcode = WEBSOCKET_OPCODE_TEXT, int $flags = SWOOLE_WEBSOCKET_FLAG_FIN): bool",
            push,
        )
        .method("disconnect(int $fd, int $code = SWOOLE_WEBSOCKET_CLOSE_NORMAL, string $reason = ''): bool", disconnect)
        .method("ping(int $fd, string $data = ''): bool", ping)
        .method("isEstablished(int $fd): bool", is_established)
        .method(PACK, pack)
        .method(UNPACK, unpack)
        .register(&WEBSOCKET_SERVER);
    let frame = ClassBuilder::new("Swoole\\WebSocket\\Frame")
        .alias("swoole_websocket_frame")
        .implements(Class::stringable())
        .property("fd", Value::Int(0))
        .property("data", Value::Text(""))
        .property("opcode", Value::Int(1))
        .property("flags", Value::Int(1))
        .property("finish", Value::Null)
        .method("__toString(): string", to_string)
        .method(PACK, pack)
        .method(UNPACK, unpack)
        .register(&FRAME);
    ClassBuilder::new("Swoole\\WebSocket\\CloseFrame")
        .alias("swoole_websocket_closeframe")
        .extends(frame)
        .property("opcode", Value::Int(8))
        .property("code", Value::Int(1000))
        .property("reason", Value::Text(""))
        .register(&CLOSE_FRAME);
}

/// The frame of the arguments from `at` on; `None` if the opcode is invalid.
pub fn frame_argument(call: &Call<'_>, at: usize) -> PhpResult<Option<OutgoingFrame>> {
    let frame = call.arg(at).and_then(Zval::object).filter(|object| object.class().is_a(FRAME.get()));
    let Some(frame) = frame else {
        let data = call.bytes(at)?.to_vec();
        // Clients of frameworks pass null for the default flags.
        let flags = if call.has(at + 2) { call.int(at + 2)? } else { FIN };
        let opcode = call.int_or(at + 1, 1)?;
        let opcode = u8::try_from(opcode).ok().filter(|opcode| *opcode < 16);
        return Ok(opcode.map(|opcode| OutgoingFrame { data, opcode, flags }));
    };
    let text = |slot: usize| frame.slot(slot).to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default();
    let opcode = u8::try_from(frame.slot(OPCODE).to_int()).ok().filter(|opcode| *opcode < 16);
    let mut flags = frame.slot(FLAGS).to_int();
    if let Some(finish) = frame.slot(FINISH).bool() {
        flags = if finish { flags | FIN } else { flags & !FIN };
    }
    let data = match frame.class().is_a(CLOSE_FRAME.get()) {
        true => [&(frame.slot(CODE).to_int() as u16).to_be_bytes()[..], &text(REASON)].concat(),
        false => text(DATA),
    };
    Ok(opcode.map(|opcode| OutgoingFrame { data, opcode, flags }))
}

/// The engine's handle, if the connection is an open WebSocket; warns if not.
fn established(call: &Call<'_>, session: SessionId) -> PhpResult<Option<Context>> {
    let Some(node) = state(call)?.running() else { return Ok(None) };
    if node.is_websocket(session) {
        return Ok(Some(node));
    }
    last_error::warn_misuse(&format!("connection {} is not an open WebSocket", session.0));
    Ok(None)
}

fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let session = id_of(call.int(0)?);
    let Some(frame) = frame_argument(call, 1)? else {
        last_error::warn_misuse("the opcode must be 0 to 15");
        return Ok(false);
    };
    let Some(node) = established(call, session)? else { return Ok(false) };
    let bytes = frame.write(None, node.deflate_of(session));
    send_yield::send(state(call)?, &node, session.0 as i64, Output::Bytes(&bytes))
}

fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let (session, data) = (id_of(call.int(0)?), call.bytes_or(1, b"")?);
    let Some(node) = established(call, session)? else { return Ok(false) };
    if !fits_control(data) {
        return Ok(false);
    }
    let mut out = Vec::with_capacity(2 + data.len());
    put_frame(&mut out, 0x89, None, data);
    send_yield::send(state(call)?, &node, session.0 as i64, Output::Bytes(&out))
}

fn disconnect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (session, code, reason) = (id_of(call.int(0)?), call.int_or(1, 1000)?, call.bytes_or(2, b"")?);
    let Some(node) = established(call, session)? else { return Ok(false) };
    let Some(code) = close_code(code, reason) else { return Ok(false) };
    let frame = close_frame(code, reason);
    let said = send_yield::send(state(call)?, &node, session.0 as i64, Output::Bytes(&frame))?;
    Ok(said && succeeded(node.close(session, false)))
}

fn is_established(call: &mut Call<'_>) -> PhpResult<bool> {
    let session = id_of(call.int(0)?);
    Ok(state(call)?.node().is_some_and(|node| node.is_websocket(session)))
}

fn pack(call: &mut Call<'_>) -> PhpResult<Vec<u8>> {
    Ok(frame_argument(call, 0)?.map(packed).unwrap_or_default())
}

/// Encodes a standalone frame: its flags choose compression without negotiation.
fn packed(mut frame: OutgoingFrame) -> Vec<u8> {
    let is_control = frame.is_control();
    let mut first = frame.first_byte();
    if is_control {
        frame.flags &= !(COMPRESS | RSV1);
    }
    if frame.flags & COMPRESS != 0 {
        frame.data = deflate::deflate(&frame.data, DeflateParams { small_window: false });
    }
    if frame.flags & (COMPRESS | RSV1) != 0 {
        first |= 0x40;
    }
    let mut out = Vec::with_capacity(frame.data.len() + 14);
    put_frame(&mut out, first, (frame.flags & MASK != 0).then(mask), &frame.data);
    out
}

fn to_string(call: &mut Call<'_>) -> PhpResult<Vec<u8>> {
    let Some(this) = call.this() else { return Ok(Vec::new()) };
    let text = |slot: usize| this.slot(slot).to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default();
    let data = match this.class().is_a(CLOSE_FRAME.get()) {
        true => [&(this.slot(CODE).to_int() as u16).to_be_bytes()[..], &text(REASON)].concat(),
        false => text(DATA),
    };
    let opcode = u8::try_from(this.slot(OPCODE).to_int()).unwrap_or(1) & 15;
    Ok(packed(OutgoingFrame { data, opcode, flags: this.slot(FLAGS).to_int() & !MASK }))
}

/// Parses the frame at the start of the bytes; `false` if it is incomplete.
fn unpack(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let bytes = call.bytes(0)?;
    let Some((first, masked, data)) = split(bytes) else {
        last_error::set(PROTOCOL_ERROR);
        return Ok(OrFalse(None));
    };
    let (opcode, fin) = (first & 15, first & 0x80 != 0);
    let packed = first & 0x40 != 0;
    let reserved = i64::from(first >> 5 & 1) * 8 + i64::from(first >> 4 & 1) * 16;
    let flags = i64::from(fin) | reserved | if masked { MASK } else { 0 } | if packed { COMPRESS | RSV1 } else { 0 };
    // Data that cannot be decompressed is dropped.
    let data = if packed { deflate::inflate(&data, MAX_UNPACKED).unwrap_or_default() } else { data };
    let object = Object::new(if opcode == 8 { CLOSE_FRAME.get() } else { FRAME.get() })?;
    object.set_slot(OPCODE, i32::from(opcode));
    object.set_slot(FLAGS, flags);
    object.set_slot(FINISH, fin);
    match data.split_first_chunk() {
        Some((code, reason)) if opcode == 8 => {
            object.set_slot(CODE, i32::from(u16::from_be_bytes(*code)));
            object.set_slot(REASON, reason);
        }
        None if opcode == 8 => {}
        _ => object.set_slot(DATA, data),
    }
    Ok(OrFalse(Some(object)))
}

/// First byte, whether it is masked, and payload of a whole frame.
fn split(bytes: &[u8]) -> Option<(u8, bool, Vec<u8>)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut at) = match second & 0x7F {
        126 => (u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
        short => (u64::from(short), 2),
    };
    let masked = second & 0x80 != 0;
    let mask: [u8; 4] = if masked { *bytes.get(at..)?.first_chunk()? } else { [0; 4] };
    at += if masked { 4 } else { 0 };
    let mut data = bytes.get(at..)?.get(..usize::try_from(length).ok()?)?.to_vec();
    unmask(&mut data, mask);
    Some((first, masked, data))
}

/// Bytes that `unpack` unpacks.
const MAX_UNPACKED: u64 = 1 << 30;
/// SWOOLE_ERROR_PROTOCOL_ERROR.
const PROTOCOL_ERROR: i32 = 508;
