//! The head of a request, as its client's properties say.

use super::body::encode;
use swoosh::proto::http1::is_token_byte;
use swoosh::proto::http1::response_writer::is_field_value;
use swoosh_zend::{Array, Key, Zval};

/// The parts of a request's head.
pub(super) struct Head<'a> {
    /// `GET`.
    pub method: &'a [u8],
    /// As the request line has it.
    pub target: &'a [u8],
    /// Host and port, unless the program's own fields say another.
    pub host: &'a [u8],
    /// The program's own fields, by name.
    pub own: Option<&'a Array>,
    /// Fields that follow the own ones, such as `Authorization`.
    pub more: &'a [(&'a str, String)],
    /// The connection is to stay open.
    pub keep: bool,
    /// A protocol upgrade; its fields are in `more`.
    pub upgrades: bool,
    /// Cookies by name.
    pub cookies: Option<&'a Array>,
    /// The body's type, where the program does not give it.
    pub content_type: Option<&'a str>,
    /// The body's length, bytes; `None` without a body.
    pub length: Option<u64>,
}

impl Head<'_> {
    /// Its bytes, up to and with the empty line.
    ///
    /// # Errors
    /// The message for PHP if a part contains line ends or is not a valid token.
    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        if self.method.is_empty() || !self.method.iter().all(|&byte| is_token_byte(byte)) {
            return Err(format!("{:?} is not an HTTP method", String::from_utf8_lossy(self.method)));
        }
        if self.target.is_empty() || self.target.iter().any(|&byte| byte < b' ' || byte == 127) {
            return Err("the path is empty or contains control characters".to_owned());
        }
        let mut out = Vec::with_capacity(512);
        for part in [self.method, b" ", self.target, b" HTTP/1.1\r\n"] {
            out.extend_from_slice(part);
        }
        let own_host = self.own("host").and_then(|value| value.to_zstr());
        put(&mut out, b"Host", own_host.as_ref().map_or(self.host, |host| host.as_bytes()))?;
        let mut keeps_own = [false; 3];
        for (key, value) in self.own.into_iter().flatten() {
            let Key::Name(name) = key else { continue };
            let name = name.as_bytes();
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let framing = is("host") || is("content-length") || is("transfer-encoding");
            if framing || self.upgrades && is("connection") || value.is_null() {
                continue;
            }
            for (place, known) in keeps_own.iter_mut().zip(OWN_COUNTS) {
                *place |= is(known);
            }
            match value.array() {
                Some(list) => list.iter().try_for_each(|(_, value)| put_value(&mut out, name, value))?,
                None => put_value(&mut out, name, value)?,
            }
        }
        for (name, value) in self.more {
            put(&mut out, name.as_bytes(), value.as_bytes())?;
        }
        let [connection, accept, content_type] = keeps_own;
        if !connection && !self.upgrades {
            put(&mut out, b"Connection", if self.keep { b"keep-alive" } else { b"close" })?;
        }
        if !accept {
            put(&mut out, b"Accept-Encoding", b"gzip, deflate, br")?;
        }
        if let Some(cookies) = self.cookies.filter(|cookies| !cookies.is_empty()) {
            out.extend_from_slice(b"Cookie: ");
            for (n, (key, value)) in cookies.iter().enumerate() {
                let name = match key {
                    Key::Name(name) => name.as_bytes().to_vec(),
                    Key::Index(index) => index.to_string().into_bytes(),
                };
                out.extend_from_slice(if n > 0 { b"; " } else { b"" });
                // Drops separators, which would start another cookie.
                out.extend(name.iter().filter(|&&byte| is_token_byte(byte)));
                out.push(b'=');
                out.extend_from_slice(&encode(
                    value.to_zstr().as_ref().map(|text| text.as_bytes()).unwrap_or_default(),
                ));
            }
            out.extend_from_slice(b"\r\n");
        }
        if let Some(kind) = self.content_type.filter(|_| !content_type) {
            put(&mut out, b"Content-Type", kind.as_bytes())?;
        }
        if let Some(length) = self.length {
            put(&mut out, b"Content-Length", length.to_string().as_bytes())?;
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    fn own(&self, name: &str) -> Option<&Zval> {
        let is = |key: &Key<'_>| matches!(key, Key::Name(key) if key.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
        self.own.into_iter().flatten().find(|(key, value)| is(key) && !value.is_null()).map(|(_, value)| value)
    }
}

fn put_value(out: &mut Vec<u8>, name: &[u8], value: &Zval) -> Result<(), String> {
    put(out, name, value.to_zstr().as_ref().map(|text| text.as_bytes()).unwrap_or_default())
}

fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), String> {
    if name.is_empty() || !name.iter().all(|&byte| is_token_byte(byte)) || !is_field_value(value) {
        let name = String::from_utf8_lossy(name);
        return Err(format!("the header field {name:?} contains invalid characters"));
    }
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
    Ok(())
}

/// Fields that a program may give in the place of the client's.
const OWN_COUNTS: [&str; 3] = ["connection", "accept-encoding", "content-type"];
