//! Validates the head of a request and finds out how its body is delimited.
//!
//! Invariant: two readers of the same bytes never disagree about the end of a request. Everything that another reader
//! might interpret differently is rejected: folded lines, space before a colon, two lengths, numbers that are not plain
//! digits.

use super::header_buffer::header_buffer;
use super::method::is_method;
use super::refusal::Refusal;
use super::token::{ConnectionOptions, byte_set, is_token_byte};

/// How the body of a request is delimited (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    Length(u64),
    Chunked,
}

/// The properties of a head that framing needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CheckedHead {
    pub(super) body: BodyFraming,
    /// The peer waits for `100 Continue` (RFC 9110 section 10.1.1).
    pub(super) expects_continue: bool,
    /// No request follows on the connection.
    pub(super) is_last: bool,
    /// The peer asks for another protocol (RFC 9110 section 7.8).
    pub(super) upgrades: bool,
    /// The body is `multipart/form-data`.
    pub(super) is_form: bool,
    /// The connection stays open after the response (RFC 9112 section 9.3).
    pub(super) keeps_alive: bool,
}

/// Validates a complete head, its empty line included. `requires_host`: HTTP/1.1 without a `Host` field is rejected.
pub(super) fn check_head(head: &[u8], requires_host: bool) -> Result<CheckedHead, Refusal> {
    let mut buffer = header_buffer();
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut buffer) {
        Ok(httparse::Status::Complete(end)) if end == head.len() => {}
        Ok(_) => return Err(MALFORMED),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::new(431, "too many header fields")),
        Err(_) => return Err(malformed_head(head)),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(MALFORMED);
    };
    check_target(method, target)?;
    let mut fields = FramingFields::new(minor);
    request.headers.iter().try_for_each(|field| fields.add(field.name.as_bytes(), field.value))?;
    if requires_host && minor == 1 && fields.hosts == 0 {
        return Err(Refusal::new(400, "the Host field is missing"));
    }
    let head = fields.finish()?;
    if !is_method(method) {
        let is_case = is_method(&method.to_ascii_uppercase());
        let cased = "the method is not known: methods are case-sensitive; those of HTTP are in upper case";
        return Err(Refusal::new(501, if is_case { cased } else { "the method is not known" }));
    }
    Ok(head)
}

/// The header fields that decide about framing.
pub(super) struct FramingFields {
    minor: u8,
    length: Option<u64>,
    chunked: bool,
    pub(super) hosts: u32,
    expects_continue: bool,
    closes: bool,
    keep_alive: bool,
    has_upgrade: bool,
    connection_upgrade: bool,
    is_form: bool,
}

impl FramingFields {
    pub(super) fn new(minor: u8) -> Self {
        FramingFields {
            minor,
            length: None,
            chunked: false,
            hosts: 0,
            expects_continue: false,
            closes: false,
            keep_alive: false,
            has_upgrade: false,
            connection_upgrade: false,
            is_form: false,
        }
    }

    /// Checks one field. The comparison of lengths first keeps irrelevant fields cheap.
    #[inline]
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        // The usual spelling is the fast path.
        let is = |usual: &str| name == usual.as_bytes() || name.eq_ignore_ascii_case(usual.as_bytes());
        match name.len() {
            4 if is("Host") => self.host(value),
            7 if is("Upgrade") => {
                self.has_upgrade = true;
                Ok(())
            }
            12 if is("Content-Type") => {
                self.is_form = value.get(..FORM.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(FORM));
                Ok(())
            }
            6 if is("Expect") => self.expect(value),
            10 if is("Connection") => {
                let mut options = ConnectionOptions::default();
                options.add(value);
                self.closes |= options.close;
                self.connection_upgrade |= options.upgrade;
                self.keep_alive |= options.keep_alive;
                Ok(())
            }
            14 if is("Content-Length") => match self.length.replace(plain_number(value)?) {
                None => Ok(()),
                Some(_) => Err(Refusal::new(400, "two Content-Length fields")),
            },
            17 if is("Transfer-Encoding") => self.transfer_coding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        self.hosts += 1;
        // An http URI has a host (RFC 9110 section 4.2.1).
        if self.hosts > 1 || value.trim_ascii().is_empty() || !is_host(value) {
            return Err(Refusal::new(400, "the Host field is not one host"));
        }
        Ok(())
    }

    fn expect(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if !value.trim_ascii().eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(417, "the expectation is not known"));
        }
        self.expects_continue = self.minor == 1;
        Ok(())
    }

    fn transfer_coding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let value = value.trim_ascii();
        if self.chunked || self.minor == 0 {
            return Err(Refusal::new(400, "the transfer codings are not allowed in a request"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(unsupported_coding(value));
        }
        self.chunked = true;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<CheckedHead, Refusal> {
        let body = match (self.length, self.chunked) {
            (Some(_), true) => return Err(Refusal::new(400, "both Content-Length and Transfer-Encoding")),
            (_, true) => BodyFraming::Chunked,
            (length, false) => BodyFraming::Length(length.unwrap_or(0)),
        };
        let keeps_alive = !self.closes && (self.minor == 1 || self.keep_alive);
        Ok(CheckedHead {
            body,
            expects_continue: self.expects_continue,
            is_last: !keeps_alive && (self.closes || !self.connection_upgrade),
            keeps_alive,
            upgrades: self.has_upgrade && self.connection_upgrade,
            is_form: self.is_form,
        })
    }
}

/// The refusal of transfer codings other than `chunked` alone. The end of the body can be found only if `chunked` is the
/// last coding and appears once (RFC 9112 section 6.1).
fn unsupported_coding(value: &[u8]) -> Refusal {
    let last = value.rsplit(|&b| b == b',').next().unwrap_or_default().trim_ascii();
    let count = value.split(|&b| b == b',').filter(|c| c.trim_ascii().eq_ignore_ascii_case(b"chunked")).count();
    let tokens = |c: &[u8]| !c.is_empty() && c.iter().all(|&b| is_token_byte(b) || b"; =\"".contains(&b));
    let well_formed = value.split(|&b| b == b',').all(|c| tokens(c.trim_ascii()));
    match last.eq_ignore_ascii_case(b"chunked") && count == 1 && well_formed {
        true => Refusal::new(501, "the transfer codings are not known"),
        false => Refusal::new(400, "the transfer codings do not determine the end of the body"),
    }
}

/// The refusal of a head that httparse rejects.
fn malformed_head(head: &[u8]) -> Refusal {
    let line = head.split(|&b| b == b'\r').next().unwrap_or_default();
    if let [.., b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = line
        && major.is_ascii_digit()
        && minor.is_ascii_digit()
        && !(*major == b'1' && (b'0'..=b'1').contains(minor))
    {
        return Refusal::new(505, "the version of HTTP is not supported");
    }
    MALFORMED
}

/// Accepts the four forms of RFC 9112 section 3.2. A fragment is not part of a target, but old clients send one, and it
/// does no harm.
fn check_target(method: &str, target: &str) -> Result<(), Refusal> {
    if target.len() > MAX_TARGET {
        return Err(Refusal::new(414, "the target is too long"));
    }
    if method == "CONNECT" {
        // A 2xx response would turn the connection into a tunnel (RFC 9110 section 9.3.6), which no handler serves.
        return Err(Refusal::new(400, "CONNECT is not served"));
    }
    let plain = target.bytes().all(|b| b.is_ascii_graphic());
    let scheme = |name: &str| target.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    // The host must not be empty (RFC 9110 section 4.2.1).
    let absolute = |name: &str| scheme(name) && target[name.len()..].starts_with(|first| !"/?#".contains(first));
    let form = match method {
        "OPTIONS" if target == "*" => true,
        _ => target.starts_with('/') || absolute("http://") || absolute("https://"),
    };
    match plain && form {
        true => Ok(()),
        false => Err(Refusal::new(400, "the target is malformed")),
    }
}

/// Parses plain digits (RFC 9110 section 8.6). A list of lengths is rejected even if they are equal.
fn plain_number(value: &[u8]) -> Result<u64, Refusal> {
    let value = value.trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::new(400, "Content-Length is not a number"));
    }
    let digit = |sum: u64, &b: &u8| sum.checked_mul(10)?.checked_add(u64::from(b - b'0'));
    value.iter().try_fold(0u64, digit).ok_or(TOO_LARGE)
}

/// Whether a value consists of the characters of `uri-host [ ":" port ]`.
fn is_host(value: &[u8]) -> bool {
    const HOST: [bool; 256] = byte_set(b"-._~!$&'()*+,;=%:[]");
    value.iter().all(|&b| HOST[usize::from(b)])
}

const MALFORMED: Refusal = Refusal::new(400, "the head is malformed");
pub(super) const TOO_LARGE: Refusal = Refusal::new(413, "the request is longer than package_max_length");
/// Bytes of a request's target, at most.
pub const MAX_TARGET: usize = 60 << 10;
const FORM: &[u8] = b"multipart/form-data";
