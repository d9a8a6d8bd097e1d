//! `Swoole\Coroutine\Socket`: addresses, listening, connecting, TLS.

use super::data::{Payload, SOCKET, adopt, fail, io_or_fail, limit, link, ok_or_fail};
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode};
use crate::coroutine::tls::{CONTEXT_FAILED, NOT_READY};
use crate::coroutine::{Options, dns, options, service_resolvers, wait};
use crate::runtime::last_error;
use socket2::{SockAddr, Socket};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use swoosh::tls::Acceptor;
use swoosh_zend::{Array, Call, Object, OrFalse, PhpResult};

pub(super) fn address(
    call: &Call<'_>,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<SockAddr, ErrorCode>> {
    address_of(call.payload::<Payload>().domain.get(), host, port, limit)
}

/// An address of a family; of a name the one that is found.
pub fn address_of(
    domain: i32,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<SockAddr, ErrorCode>> {
    if domain == libc::AF_UNIX {
        let path = Path::new(std::ffi::OsStr::from_bytes(host));
        return Ok(SockAddr::unix(path).map_err(|e| e.raw_os_error().unwrap_or(libc::EINVAL)));
    }
    let Ok(port) = u16::try_from(port) else { return Ok(Err(libc::EINVAL)) };
    let text = String::from_utf8_lossy(host).into_owned();
    let six = domain == libc::AF_INET6;
    let ip = match text.parse::<IpAddr>() {
        Ok(ip) if ip.is_ipv6() == six => ip,
        Ok(_) => return Ok(Err(libc::EINVAL)),
        Err(_) => match dns::address(&text, i64::from(domain), limit)? {
            Some(ip) => ip,
            // A cancelled wait of a socket has this code, in whichever step.
            None if last_error::get() == wait::CANCELED => return Ok(Err(libc::ECANCELED)),
            None => return Ok(Err(last_error::get())),
        },
    };
    Ok(Ok(SocketAddr::new(ip, port).into()))
}

/// Candidate addresses of a host, at least one: from the name resolvers, else from DNS.
pub fn addresses_of(
    domain: i32,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<Vec<SockAddr>, ErrorCode>> {
    if let (Ok(name), Ok(port)) = (std::str::from_utf8(host), u16::try_from(port))
        && domain != libc::AF_UNIX
        && !service_resolvers::is_address(name)
        && let Some(nodes) = service_resolvers::addresses(name, domain == libc::AF_INET6, port)?
        && !nodes.is_empty()
    {
        return Ok(Ok(nodes.into_iter().map(SockAddr::from).collect()));
    }
    Ok(address_of(domain, host, port, limit)?.map(|address| vec![address]))
}

/// The bits of a socket's type without its flags (socket(2)).
const SOCKET_TYPE: i32 = 0xf;

pub(super) fn bind(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let (host, port) = (call.bytes(0)?, call.int_or(1, 0)?);
    let bound = match address(call, host, port, None)? {
        Ok(address) => {
            if address.domain() != socket2::Domain::UNIX {
                let _ = link.socket().set_reuse_address(true);
            }
            link.socket().bind(&address).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
        }
        Err(code) => Err(code),
    };
    Ok(ok_or_fail(call, bound).0.is_some())
}

pub(super) fn listen(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let backlog = i32::try_from(call.int_or(0, 512)?).unwrap_or(512);
    if let Err(e) = acceptor(call.payload::<Payload>()) {
        last_error::warn_misuse(&e.to_string());
        fail(call, CONTEXT_FAILED);
        return Ok(false);
    }
    Ok(io_or_fail(call, link.socket().listen(backlog)).0.is_some())
}

/// The TLS acceptor; `None` without `open_ssl`.
fn acceptor(payload: &Payload) -> swoosh::Result<Option<Rc<Acceptor>>> {
    let wanted = payload.tls.borrow().clone();
    let mut acceptor = payload.acceptor.borrow_mut();
    if let (None, Some(wanted)) = (&*acceptor, wanted) {
        *acceptor = Some(Rc::new(wanted.acceptor()?));
    }
    Ok(acceptor.clone())
}

pub(super) fn accept(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let accepted = link.accept(limit(call, 0, Direction::Read)?)?;
    let Some(accepted) = ok_or_fail(call, accepted).0 else { return Ok(OrFalse(None)) };
    let payload = call.payload::<Payload>();
    let object = Object::new(SOCKET.get())?;
    let session = acceptor(payload).and_then(|acceptor| acceptor.map(|acceptor| acceptor.begin()).transpose());
    match session {
        Ok(session) => session.into_iter().for_each(|session| accepted.start_tls(session)),
        Err(e) => {
            last_error::warn_misuse(&e.to_string());
            fail(call, CONTEXT_FAILED);
            return Ok(OrFalse(None));
        }
    }
    adopt(&object, Rc::new(accepted), payload.domain.get(), payload.kind.get(), 0);
    if let Some(own) = object.payload::<Payload>() {
        own.is_server.set(true);
    }
    Ok(OrFalse(Some(object)))
}

pub(super) fn connect(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let (host, port) = (call.bytes(0)?, call.int_or(1, 0)?);
    let payload = call.payload::<Payload>();
    let has_port = payload.domain.get() != libc::AF_UNIX && payload.kind.get() & SOCKET_TYPE != libc::SOCK_RAW;
    if has_port && !(1..=65535).contains(&port) {
        fail(call, libc::EINVAL);
        return Ok(false);
    }
    let own = limit(call, 2, Direction::Write)?;
    let unsaid = call.float_or(2, 0.0)? == 0.0;
    let limit = options(Options::socket_connect_timeout).filter(|_| unsaid).or(own);
    let connected = match addresses_of(call.payload::<Payload>().domain.get(), host, port, limit)? {
        Ok(addresses) => link.connect_to_any(&addresses, limit)?,
        Err(code) => Err(code),
    };
    if ok_or_fail(call, connected).0.is_none() {
        return Ok(false);
    }
    let payload = call.payload::<Payload>();
    *payload.host.borrow_mut() = host.to_vec();
    if payload.tls.borrow().is_none() {
        return Ok(true);
    }
    begin_tls(call, &link, limit)
}

pub(super) fn check_liveness(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let mut byte = [0];
    let alive = match link.peek(&mut byte) {
        Ok(0) => Err(libc::ECONNRESET),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(e) => Err(e.raw_os_error().unwrap_or(libc::EIO)),
    };
    Ok(ok_or_fail(call, alive).0.is_some())
}

/// Agrees upon TLS: as the server where this was accepted, else as the client.
pub(super) fn ssl_handshake(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let payload = call.payload::<Payload>();
    let wanted = payload.tls.borrow().clone();
    let limit = payload.read_limit.get().unwrap_or(wanted.unwrap_or_default().config.handshake_timeout);
    if link.is_tls() {
        let shaken = link.handshake(Some(limit))?;
        return Ok(ok_or_fail(call, shaken).0.is_some());
    }
    if payload.tls.borrow().is_none() {
        last_error::warn_misuse("TLS is not enabled: call setProtocol(['open_ssl' => true, ...])");
        fail(call, NOT_READY);
        return Ok(false);
    }
    begin_tls(call, &link, Some(limit))
}

/// Begins a session as the settings say, and shakes hands.
fn begin_tls(call: &Call<'_>, link: &CoroutineSocket, limit: Option<Duration>) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    let session = match payload.is_server.get() {
        true => acceptor(payload).and_then(|acceptor| acceptor.map(|acceptor| acceptor.begin()).transpose()),
        false => payload.tls.borrow().as_ref().map(|wanted| wanted.begin(&payload.host.borrow())).transpose(),
    };
    match session {
        Ok(session) => session.into_iter().for_each(|session| link.start_tls(session)),
        Err(e) => {
            last_error::warn_misuse(&e.to_string());
            fail(call, CONTEXT_FAILED);
            return Ok(false);
        }
    }
    let shaken = link.handshake(limit)?;
    Ok(ok_or_fail(call, shaken).0.is_some())
}

/// An address as PHP code sees it.
pub fn describe(address: &SockAddr) -> Array {
    let mut array = Array::new();
    match address.as_socket() {
        Some(address) => {
            array.insert("address", address.ip().to_string());
            array.insert("port", address.port());
        }
        None => {
            let path = address.as_pathname().map(|path| path.as_os_str().as_bytes().to_vec());
            array.insert("address", path.unwrap_or_default());
            array.insert("port", 0);
        }
    }
    array
}

pub(super) fn name(call: &Call<'_>, ask: fn(&Socket) -> io::Result<SockAddr>) -> PhpResult<OrFalse<Array>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    Ok(OrFalse(io_or_fail(call, ask(link.socket())).0.map(|address| describe(&address))))
}
