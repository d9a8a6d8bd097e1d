//! `Swoole\Coroutine\Socket`: sending bytes, vectors, files, datagrams.

use super::connecting::address;
use super::data::{Payload, fail, io_or_fail, limit, link, ok_or_fail};
use super::vector;
use crate::coroutine::socket::{Direction, ErrorCode};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use swoosh_zend::{Call, OrFalse, PhpResult};

pub(super) fn send(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (bytes, limit) = (call.string(0)?.clone(), limit(call, 1, Direction::Write)?);
    let sent = link.send(bytes.as_bytes(), limit)?;
    Ok(ok_or_fail(call, sent))
}

pub(super) fn send_all(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (bytes, limit) = (call.string(0)?.clone(), limit(call, 1, Direction::Write)?);
    let (sent, code) = link.send_all(bytes.as_bytes(), limit)?;
    Ok(counted(call, sent, code))
}

/// The number of bytes sent; `false` if none was sent. Sets the error code if incomplete.
fn counted(call: &Call<'_>, sent: usize, code: Option<ErrorCode>) -> OrFalse<usize> {
    match code {
        None => ok_or_fail(call, Ok(sent)),
        Some(code) => {
            fail(call, code);
            OrFalse((sent > 0).then_some(sent))
        }
    }
}

pub(super) fn write_vector(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let limit = limit(call, 1, Direction::Write)?;
    let Some(all) = vector::contents(call)? else { return Ok(OrFalse(None)) };
    let (sent, code) = link.send_all(&all, limit)?;
    Ok(counted(call, sent, code))
}

pub(super) fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let path = Path::new(std::ffi::OsStr::from_bytes(call.bytes(0)?));
    let opened = File::open(path).and_then(|file| file.metadata().map(|about| (file, about.len())));
    let Some((file, size)) = io_or_fail(call, opened).0 else { return Ok(false) };
    let offset = u64::try_from(call.int_or(1, 0)?).unwrap_or(0);
    let length = u64::try_from(call.int_or(2, 0)?).unwrap_or(0);
    let end = if length == 0 { size } else { (offset + length).min(size) };
    let sent = link.send_part(&file, offset, end, call.payload::<Payload>().write_limit.get())?;
    Ok(ok_or_fail(call, sent).0.is_some())
}

pub(super) fn send_to(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (host, port) = (call.bytes(0)?, call.int(1)?);
    let limit = call.payload::<Payload>().write_limit.get();
    let to = match address(call, host, port, limit)? {
        Ok(to) => to,
        Err(code) => return Ok(ok_or_fail(call, Err(code))),
    };
    let bytes = call.string(2)?.clone();
    let sent = link.retry(Direction::Write, limit, || link.socket().send_to(bytes.as_bytes(), &to))?;
    Ok(ok_or_fail(call, sent))
}
