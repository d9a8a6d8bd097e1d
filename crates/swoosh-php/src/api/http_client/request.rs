//! A request on its way: the connection it takes, its head, its body part by part.

use super::authority::{host_field, peer_name, unix_path};
use super::body::{Body, Part, Slice, multipart};
use super::client::{
    BODY_SENT, CONNECT_FAILED, CONNECTED, COOKIES, Client, Conn, DOWNLOAD_FILE, DOWNLOAD_OFFSET, FILES, Failure, HOST,
    METHOD, PORT, REQUEST_HEADERS, SEND_FAILED, SOCKET, SSL, SentRequest, array_property, bytes_property,
    close_connection, is_usable, set_property,
};
use super::http2;
use super::request_head::Head;
use crate::api::coroutine_client::{Proxy, Times, dial, encrypt, local_address};
use crate::api::socket::object as socket_object;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use swoosh::http::form::pairs;
use swoosh::proto::websocket::deflate;
use swoosh_zend::{Array, Call, PhpResult, Zval, call_function};

/// The connection: the one that is open, unless its peer has closed it meanwhile, or a new one.
fn connection(
    call: &Call<'_>,
    client: &Client,
    settings: &Array,
    proxy: Option<Proxy>,
    may_use_http2: bool,
    limit: Option<Duration>,
) -> PhpResult<Result<Rc<Conn>, Failure>> {
    let known = client.conn.borrow().clone();
    if let Some(conn) = known {
        let waits = !client.sent.borrow().is_empty();
        if let Some(http2) = &conn.http2 {
            if may_use_http2 && is_usable(http2) {
                return Ok(Ok(conn));
            }
            close_connection(call, client)?;
            return connection(call, client, settings, proxy, may_use_http2, limit);
        }
        let mut byte = [0];
        let quiet = || matches!(conn.link.peek(&mut byte), Err(e) if e.kind() == io::ErrorKind::WouldBlock);
        if waits || conn.buffer.borrow().is_empty() && { quiet }() {
            return Ok(Ok(conn));
        }
        close_connection(call, client)?;
    }
    let host = bytes_property(call, HOST);
    let port = call.this().map_or(0, |this| this.slot(PORT).to_int());
    let ssl = call.this().is_some_and(|this| this.slot(SSL).to_bool());
    let family = client.family.get();
    let host = if family == libc::AF_UNIX { unix_path(&host) } else { host };
    let forwards = proxy.as_ref().filter(|proxy| is_forwarded(client, proxy, ssl)).cloned();
    let (to, at, through) = match &forwards {
        Some(proxy) => (proxy.address().0, proxy.address().1, None),
        None => (&host[..], port, proxy),
    };
    let local = match local_address(family, settings)? {
        Ok(local) => local,
        Err(code) => return Ok(Err(Failure::of(CONNECT_FAILED, code))),
    };
    let link = match dial((family, libc::SOCK_STREAM), local, through, to, at, limit, |fd| client.exchange.opened(fd))?
    {
        Ok(link) => link,
        Err(code) => return Ok(Err(Failure::of(CONNECT_FAILED, code))),
    };
    let protocols: &[&[u8]] = if may_use_http2 { &[b"h2", b"http/1.1"] } else { &[] };
    if ssl && let Err((code, why)) = encrypt(&link, settings, &host, protocols, limit)? {
        return Ok(Err(Failure::new(CONNECT_FAILED, code, why)));
    }
    let http2 = match http2::begin(&link, peer_name(family, &host, port), settings, limit)? {
        Ok(http2) => http2,
        Err(failure) => return Ok(Err(failure)),
    };
    let conn = Rc::new(Conn { link: link.clone(), buffer: RefCell::default(), http2 });
    set_property(call, SOCKET, socket_object(link, family, libc::SOCK_STREAM)?);
    set_property(call, CONNECTED, true);
    *client.conn.borrow_mut() = Some(conn.clone());
    Ok(Ok(conn))
}

/// Whether a request goes to the proxy itself, as a plain one does to an HTTP proxy; a tunnel is for what it must not see.
fn is_forwarded(client: &Client, proxy: &Proxy, ssl: bool) -> bool {
    !proxy.socks && !ssl && client.family.get() != libc::AF_UNIX
}

pub(super) fn send(
    call: &Call<'_>,
    client: &Client,
    target: &[u8],
    key: Option<String>,
    settings: &Array,
    times: Times,
) -> PhpResult<Result<(), Failure>> {
    let on = |name: &str, or: bool| settings.get(name).map_or(or, Zval::to_bool);
    let (mut content_type, body) = body_of(call)?;
    let own_method = bytes_property(call, METHOD);
    let method = match (own_method.is_empty(), &body) {
        (false, _) => own_method,
        (true, Some(_)) => b"POST".to_vec(),
        (true, None) => b"GET".to_vec(),
    };
    let host = bytes_property(call, HOST);
    let (port, ssl) = call.this().map_or((0, false), |this| (this.slot(PORT).to_int(), this.slot(SSL).to_bool()));
    let shown_host = host_field(client.family.get(), &host, port, ssl);
    let mut more: Vec<(&str, String)> = Vec::new();
    if let Some(basic) = client.basic.borrow().clone() {
        more.push(("Authorization", basic));
    }
    let proxy = Proxy::of(settings);
    let mut whole_target = target.to_vec();
    if let Some(proxy) = proxy.as_ref().filter(|proxy| is_forwarded(client, proxy, ssl)) {
        // RFC 9112 section 3.2.2.
        whole_target = [&b"http://"[..], &shown_host, target].concat();
        more.extend(proxy.credentials().map(|credentials| ("Proxy-Authorization", credentials)));
    }
    let body = if key.is_some() { None } else { body };
    if let Some(key) = &key {
        content_type = None;
        more.extend(upgrade_fields(key, on("websocket_compression", false)));
    }
    let keep = on("keep_alive", true);
    let (own, cookies) = (array_property(call, REQUEST_HEADERS), array_property(call, COOKIES));
    let head = Head {
        method: &method,
        target: &whole_target,
        host: &shown_host,
        own: own.as_ref(),
        more: &more,
        keep,
        upgrades: key.is_some(),
        cookies: cookies.as_ref(),
        content_type: content_type.as_deref(),
        length: body.as_ref().map(Body::length),
    };
    let head = match head.write() {
        Ok(head) => head,
        Err(why) => {
            swoosh_zend::error::warning(&format!("the request is not sent: {why}"));
            return Ok(Err(Failure::new(CONNECT_FAILED, libc::EINVAL, why)));
        }
    };
    let may_use_http2 = ssl && key.is_none() && on("open_http2_protocol", false);
    let conn = match connection(call, client, settings, proxy, may_use_http2, times.connect)? {
        Ok(conn) => conn,
        Err(failure) => return Ok(Err(failure)),
    };
    *client.head.borrow_mut() = Some(head[..head.len() - 4].to_vec());
    let file = take_download(call);
    let stream_id = match &conn.http2 {
        Some(http2) => match http2::send(http2, &head, body, times.write)? {
            Ok(id) => Some(id),
            Err(failure) => return Ok(Err(failure)),
        },
        None => {
            if let Err(code) = send_parts(&conn.link, head, body, times.write)? {
                return Ok(Err(Failure::of(SEND_FAILED, code)));
            }
            None
        }
    };
    client.sent.borrow_mut().push_back(SentRequest { method, file, key, keep, stream_id });
    Ok(Ok(()))
}

/// Header fields of an opening handshake (RFC 6455 section 4.1).
fn upgrade_fields(key: &str, compression: bool) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("Connection", "Upgrade".to_owned()),
        ("Upgrade", "websocket".to_owned()),
        ("Sec-WebSocket-Version", "13".to_owned()),
        ("Sec-WebSocket-Key", key.to_owned()),
    ];
    if compression {
        fields.push(("Sec-WebSocket-Extensions", deflate::OFFER.to_owned()));
    }
    fields
}

/// The download's path and offset, if one was requested; clears the properties of a single request.
fn take_download(call: &Call<'_>) -> Option<(String, u64)> {
    let file = bytes_property(call, DOWNLOAD_FILE);
    let offset = call.this().map_or(0, |this| this.slot(DOWNLOAD_OFFSET).to_int());
    for slot in [FILES, DOWNLOAD_FILE] {
        set_property(call, slot, ());
    }
    set_property(call, DOWNLOAD_OFFSET, 0);
    (!file.is_empty()).then(|| (String::from_utf8_lossy(&file).into_owned(), u64::try_from(offset).unwrap_or(0)))
}

/// The prepared request's body and content type.
fn body_of(call: &Call<'_>) -> PhpResult<(Option<String>, Option<Body>)> {
    let Some(this) = call.this() else { return Ok((None, None)) };
    let given = this.slot(BODY_SENT).dereferenced().clone();
    let files = array_property(call, FILES).filter(|files| !files.is_empty());
    let query = match given.array() {
        Some(_) => call_function("http_build_query", &mut [given.clone()])?
            .map(|query| query.to_zstr().map(|q| q.as_bytes().to_vec()).unwrap_or_default()),
        None => None,
    };
    if let Some(files) = files {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1);
        let boundary = format!("----SwooshBoundary{random:016x}");
        let body = multipart(&boundary, &pairs(query.as_deref().unwrap_or_default()), &files);
        return Ok((Some(format!("multipart/form-data; boundary={boundary}")), Some(body)));
    }
    Ok(match query {
        Some(query) => (Some("application/x-www-form-urlencoded".to_owned()), Some(Body::of(query))),
        None if given.is_null() => (None, None),
        None => (None, Some(Body::of(given.to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default()))),
    })
}

/// The head together with the first bytes of the body, then the rest.
fn send_parts(
    link: &CoroutineSocket,
    head: Vec<u8>,
    body: Option<Body>,
    limit: Option<Duration>,
) -> PhpResult<Result<(), ErrorCode>> {
    let mut out = head;
    for part in body.unwrap_or_default().parts {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(&bytes),
            Part::File(path, offset, length) => {
                if let (_, Some(code)) = link.send_all(&std::mem::take(&mut out), limit)? {
                    return Ok(Err(code));
                }
                let mut slice = match Slice::open(&path, offset, length) {
                    Ok(slice) => slice,
                    Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
                };
                loop {
                    let piece = match slice.read() {
                        Ok(piece) if piece.is_empty() => break,
                        Ok(piece) => piece,
                        Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
                    };
                    if let (_, Some(code)) = link.send_all(&piece, limit)? {
                        return Ok(Err(code));
                    }
                }
            }
        }
    }
    let (_, failed) = link.send_all(&out, limit)?;
    Ok(failed.map_or(Ok(()), Err))
}
