//! Receives a response: its head into the properties, its body to memory, a file or `write_func`.

use super::client::{
    BODY, CHUNK, COOKIES, Client, Conn, DEFAULT_MAX_BODY, Failure, HEADERS, INVALID_PROTOCOL, REQUEST_TIMEOUT,
    SERVER_RESET, SET_COOKIES, STATUS, SentRequest, array_property, close_connection, fail, forget_answer,
    set_property,
};
use super::decode::{Decoder, STEP};
use super::handshake::check_handshake;
use super::http2;
use crate::coroutine::http2::Http2Connection;
use crate::server::http::request::add_header;
use httparse::Header;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};
use swoosh::http::form::pairs;
use swoosh::proto::http1::response_parser::{ResponseEvent, ResponseHead, ResponseParser, header_buffer};
use swoosh_zend::{Array, Call, Callable, IntoZval, Object, PhpResult, Zval};

/// Reads the response to the oldest request without one.
pub(super) fn receive(call: &Call<'_>, client: &Client, settings: &Array, limit: Option<Duration>) -> PhpResult<bool> {
    let conn = client.conn.borrow().clone();
    let sent = client.sent.borrow_mut().pop_front();
    let (Some(conn), Some(sent)) = (conn, sent) else { return Ok(false) };
    forget_answer(call);
    let read = match (&conn.http2, sent.stream_id) {
        (Some(http2), Some(id)) => read_stream(call, http2, id, &sent, settings, limit)?,
        _ => read(call, &conn, &sent, settings, limit)?,
    };
    match read {
        Ok(keeps) => {
            if let Some(key) = &sent.key {
                return check_handshake(call, client, &conn, key, settings);
            }
            if !(keeps && sent.keep) {
                close_connection(call, client)?;
            }
            Ok(true)
        }
        Err(failure) => {
            if let (Some(http2), Some(id)) = (&conn.http2, sent.stream_id) {
                http2::give_up(http2, id);
            }
            fail(call, client, failure)
        }
    }
}

/// The destination of a body.
enum Sink {
    Memory(Vec<u8>, u64),
    File(String, u64, Option<File>),
    Code(Callable, Object),
}

impl Sink {
    /// A download's file, else the callback `write_func`, else memory.
    fn new(call: &Call<'_>, sent: &SentRequest, settings: &Array) -> Sink {
        match (&sent.file, settings.get("write_func").map(Callable::new), call.this()) {
            (Some((path, offset)), _, _) => Sink::File(path.clone(), *offset, None),
            (None, Some(Ok(code)), Some(this)) => Sink::Code(code, this.clone()),
            _ => {
                let most = settings.get("package_max_length").map_or(DEFAULT_MAX_BODY, Zval::to_int);
                Sink::Memory(Vec::new(), u64::try_from(most).unwrap_or(0))
            }
        }
    }

    /// Decompresses a piece of the body and takes the result.
    fn take_encoded(&mut self, decoder: &mut Decoder, piece: &[u8]) -> PhpResult<io::Result<()>> {
        for step in piece.chunks(STEP) {
            let taken = match decoder.take(step) {
                Ok(plain) => self.take(plain)?,
                Err(e) => Err(e),
            };
            if taken.is_err() {
                return Ok(taken);
            }
        }
        Ok(Ok(()))
    }

    fn take(&mut self, piece: Vec<u8>) -> PhpResult<io::Result<()>> {
        match self {
            _ if piece.is_empty() => Ok(Ok(())),
            Sink::Memory(body, most) => {
                if (body.len() + piece.len()) as u64 > *most {
                    return Ok(Err(io::Error::other("the body is longer than package_max_length")));
                }
                body.extend_from_slice(&piece);
                Ok(Ok(()))
            }
            Sink::File(path, offset, open) => Ok((|| {
                if open.is_none() {
                    let mut file = OpenOptions::new().write(true).create(true).truncate(*offset == 0).open(path)?;
                    file.seek(SeekFrom::Start(*offset))?;
                    *open = Some(file);
                }
                open.as_mut().map_or(Ok(()), |file| file.write_all(&piece))
            })()),
            Sink::Code(code, client) => {
                code.call(&mut [client.clone().into_zval(), piece.into_zval()])?;
                Ok(Ok(()))
            }
        }
    }
}

/// Reads one answer into the properties; whether the connection can be used again.
fn read(
    call: &Call<'_>,
    conn: &Conn,
    sent: &SentRequest,
    settings: &Array,
    limit: Option<Duration>,
) -> PhpResult<Result<bool, Failure>> {
    let until = limit.map(|limit| Instant::now() + limit);
    let mut reader = ResponseParser::new(&sent.method);
    let mut decoder = Decoder::new(b"");
    let mut sink = Sink::new(call, sent, settings);
    let mut buffer = conn.buffer.take();
    // An answer that ends with its connection leaves that to the next request to find.
    let (mut status, mut keeps) = (0, true);
    loop {
        let step = match reader.next(&buffer) {
            Ok(step) => step,
            Err(fault) => return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, fault.0))),
        };
        match step {
            ResponseEvent::Incomplete => {
                let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                match conn.link.read_into(&mut buffer, CHUNK, left)? {
                    Ok(0) if reader.may_end() => break,
                    Ok(0) => return Ok(Err(Failure::of(SERVER_RESET, libc::ECONNRESET))),
                    Ok(_) => {}
                    Err(libc::ETIMEDOUT) => return Ok(Err(Failure::of(REQUEST_TIMEOUT, libc::ETIMEDOUT))),
                    Err(code) => return Ok(Err(Failure::of(SERVER_RESET, code))),
                }
            }
            ResponseEvent::Head(length) => {
                let mut fields = header_buffer();
                if let Some((head, headers)) = ResponseHead::parse(&buffer[..length], &mut fields) {
                    status = i64::from(head.status);
                    let coding = set_headers(call, headers);
                    let unpack = settings.get("body_decompression").is_none_or(Zval::to_bool);
                    decoder = Decoder::new(coding.filter(|_| unpack).unwrap_or_default());
                }
                buffer.drain(..length);
            }
            ResponseEvent::Data(form, length) => {
                let piece: Vec<u8> = buffer.drain(..form + length).skip(form).collect();
                if let Err(e) = sink.take_encoded(&mut decoder, &piece)? {
                    return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, e.to_string())));
                }
            }
            ResponseEvent::Trailer(length) => {
                let line: Vec<u8> = buffer.drain(..length).collect();
                add_trailer(call, &line);
            }
            ResponseEvent::End(length) => {
                buffer.drain(..length);
                keeps = reader.keeps_alive();
                break;
            }
        }
    }
    let left = match decoder.finish() {
        Ok(left) => sink.take(left)?,
        Err(e) => Err(e),
    };
    if let Err(e) = left {
        return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, e.to_string())));
    }
    if let Sink::Memory(body, _) = sink {
        set_property(call, BODY, body);
    }
    set_property(call, STATUS, status);
    conn.buffer.replace(buffer);
    Ok(Ok(keeps))
}

/// Reads the response of a stream of HTTP/2; the connection can be used again.
fn read_stream(
    call: &Call<'_>,
    connection: &Http2Connection,
    id: u32,
    sent: &SentRequest,
    settings: &Array,
    limit: Option<Duration>,
) -> PhpResult<Result<bool, Failure>> {
    let until = limit.map(|limit| Instant::now() + limit);
    let mut decoder = Decoder::new(b"");
    let mut sink = Sink::new(call, sent, settings);
    let mut status = 0;
    loop {
        let part = match http2::receive(connection, id, until)? {
            Ok(part) => part,
            Err(failure) => return Ok(Err(failure)),
        };
        if let Some((code, fields)) = &part.head {
            status = i64::from(*code);
            let headers: Vec<Header<'_>> = http2::headers(fields).collect();
            let coding = set_headers(call, &headers);
            let unpack = settings.get("body_decompression").is_none_or(Zval::to_bool);
            decoder = Decoder::new(coding.filter(|_| unpack && sent.method != b"HEAD").unwrap_or_default());
        }
        let mut taken = sink.take_encoded(&mut decoder, &part.body)?;
        if part.is_last && taken.is_ok() {
            taken = match decoder.finish() {
                Ok(left) => sink.take(left)?,
                Err(e) => Err(e),
            };
        }
        if let Err(e) = taken {
            return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, e.to_string())));
        }
        if part.is_last {
            let mut all = array_property(call, HEADERS).unwrap_or_default();
            for field in part.trailers.iter().flat_map(http2::headers) {
                add_header(&mut all, field.name.as_bytes(), field.value);
            }
            set_property(call, HEADERS, all);
            break;
        }
    }
    if let Sink::Memory(body, _) = sink {
        set_property(call, BODY, body);
    }
    set_property(call, STATUS, status);
    Ok(Ok(true))
}

/// Adds a trailer field, one line, to the fields of the answer. A malformed line is left out.
fn add_trailer(call: &Call<'_>, line: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; 1];
    let line = [line.trim_ascii_end(), b"\r\n\r\n"].concat();
    if let Ok(httparse::Status::Complete((_, [field]))) = httparse::parse_headers(&line, &mut fields) {
        let mut all = array_property(call, HEADERS).unwrap_or_default();
        add_header(&mut all, field.name.to_ascii_lowercase().as_bytes(), field.value);
        set_property(call, HEADERS, all);
    }
}

/// Shows the fields of an answer; its content coding.
fn set_headers<'h>(call: &Call<'_>, headers: &[Header<'h>]) -> Option<&'h [u8]> {
    let (mut all, mut set, mut coding) = (Array::new(), Array::new(), None);
    let mut cookies = array_property(call, COOKIES).unwrap_or_default();
    for header in headers {
        let name = header.name.to_ascii_lowercase();
        add_header(&mut all, name.as_bytes(), header.value);
        match name.as_str() {
            "set-cookie" => {
                set.push(header.value);
                let pair = header.value.split(|&byte| byte == b';').next().unwrap_or_default();
                if let Some((name, value)) = pairs(pair).pop().filter(|(name, _)| !name.is_empty()) {
                    cookies.put(name.trim_ascii(), value);
                }
            }
            "content-encoding" => coding = Some(header.value),
            _ => {}
        }
    }
    if !all.is_empty() {
        set_property(call, HEADERS, all);
    }
    if !set.is_empty() {
        set_property(call, SET_COOKIES, set);
        set_property(call, COOKIES, cookies);
    }
    coding
}
