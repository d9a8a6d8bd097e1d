//! `Swoole\Coroutine\Socket`: reading bytes, lines, packets, datagrams.

use super::connecting::describe;
use super::data::{Payload, fail, io_or_fail, limit, link, ok_or_fail};
use super::vector;
use crate::coroutine::socket::{CoroutineSocket, Deadline, Direction, ErrorCode};
use std::time::Duration;
use swoosh_zend::{Array, Call, OrFalse, PhpResult, ZStr};

fn length(call: &Call<'_>, n: usize) -> PhpResult<usize> {
    let length = call.int_or(n, DEFAULT_LENGTH)?;
    Ok(usize::try_from(length).ok().filter(|&n| n > 0).unwrap_or(DEFAULT_LENGTH as usize))
}

pub(super) fn peek(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let mut buffer = vec![0; length(call, 0)?];
    let seen = link.peek(&mut buffer).map(|seen| {
        buffer.truncate(seen);
        buffer
    });
    Ok(io_or_fail(call, seen))
}

pub(super) fn recv(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (most, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let packets = &call.payload::<Payload>().packets;
    if !packets.is_empty() {
        return Ok(ok_or_fail(call, Ok(ZStr::new(packets.take(most)))));
    }
    let read = link.recv(most, limit)?;
    Ok(ok_or_fail(call, read))
}

/// Reads until that much is there, or no more comes.
fn read_all(
    link: &CoroutineSocket,
    mut buffer: Vec<u8>,
    length: usize,
    limit: Option<Duration>,
) -> PhpResult<(Vec<u8>, Option<ErrorCode>)> {
    let deadline = Deadline::new(limit);
    while buffer.len() < length {
        let missing = length - buffer.len();
        let left = match deadline.remaining() {
            Ok(left) => left,
            Err(code) => return Ok((buffer, Some(code))),
        };
        match link.read_into(&mut buffer, missing.min(CHUNK), left)? {
            Ok(0) => break,
            Ok(_) => {}
            Err(code) => return Ok((buffer, Some(code))),
        }
    }
    Ok((buffer, None))
}

pub(super) fn recv_all(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (length, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let kept = call.payload::<Payload>().packets.take(length);
    let (bytes, code) = read_all(&link, kept, length, limit)?;
    Ok(partly(call, bytes, code))
}

/// A partial result with the error code set; `false` if nothing was read.
fn partly(call: &Call<'_>, bytes: Vec<u8>, code: Option<ErrorCode>) -> OrFalse<Vec<u8>> {
    match code {
        None => ok_or_fail(call, Ok(bytes)),
        Some(code) => {
            fail(call, code);
            OrFalse((!bytes.is_empty()).then_some(bytes))
        }
    }
}

/// A line with its terminator, or the bytes before the end of the stream, at most `$length` bytes.
pub(super) fn recv_line(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (most, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let packets = &call.payload::<Payload>().packets;
    let deadline = Deadline::new(limit);
    loop {
        if let Some(end) = packets.line(most) {
            return Ok(ok_or_fail(call, Ok(packets.take(end))));
        }
        let more = match deadline.remaining() {
            Ok(left) => packets.fill(&link, left)?,
            Err(code) => Err(code),
        };
        match more {
            Ok(0) => return Ok(ok_or_fail(call, Ok(packets.take(usize::MAX)))),
            Ok(_) => {}
            Err(code) => return Ok(ok_or_fail(call, Err(code))),
        }
    }
}

pub(super) fn recv_with_buffer(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (most, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let packets = &call.payload::<Payload>().packets;
    if packets.is_empty()
        && let Err(code) = packets.fill(&link, limit)?
    {
        return Ok(ok_or_fail(call, Err(code)));
    }
    Ok(ok_or_fail(call, Ok(packets.take(most))))
}

/// One packet by the framing of `setProtocol`; an empty string at the end of the stream.
pub(super) fn recv_packet(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let limit = limit(call, 0, Direction::Read)?;
    let packet = call.payload::<Payload>().packets.next_packet(&link, limit)?;
    Ok(ok_or_fail(call, packet))
}

pub(super) fn read_vector(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    vector(call, false)
}

pub(super) fn read_vector_all(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    vector(call, true)
}

/// Reads into parts of these lengths: what came, cut into them.
fn vector(call: &mut Call<'_>, all: bool) -> PhpResult<OrFalse<Array>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let limit = limit(call, 1, Direction::Read)?;
    let Some(lengths) = vector::lengths(call)? else { return Ok(OrFalse(None)) };
    let total = lengths.iter().sum();
    let (bytes, code) = match all {
        true => read_all(&link, Vec::new(), total, limit)?,
        false => match link.recv(total, limit)? {
            Ok(bytes) => (bytes.as_bytes().to_vec(), None),
            Err(code) => (Vec::new(), Some(code)),
        },
    };
    let Some(bytes) = partly(call, bytes, code).0 else { return Ok(OrFalse(None)) };
    let mut parts = Array::new();
    let mut rest = bytes.as_slice();
    for length in lengths {
        if rest.is_empty() {
            break;
        }
        let (part, behind) = rest.split_at(length.min(rest.len()));
        parts.push(part);
        rest = behind;
    }
    Ok(OrFalse(Some(parts)))
}

pub(super) fn recv_from(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let read = link.recv_from(DEFAULT_LENGTH as usize, limit(call, 1, Direction::Read)?)?;
    let Some((bytes, from)) = ok_or_fail(call, read).0 else { return Ok(OrFalse(None)) };
    call.assign(0, describe(&from));
    Ok(OrFalse(Some(bytes)))
}

const DEFAULT_LENGTH: i64 = 65536;

/// Bytes read at a time into the buffer.
const CHUNK: usize = 65536;
