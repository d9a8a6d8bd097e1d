//! `Swoole\Http\Cookie`, and cookies as `Set-Cookie` writes them (RFC 6265).

use std::cell::RefCell;
use swoosh::proto::http1::response_writer::date;
use swoosh::sys::clock;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult};

/// The class.
pub static COOKIE: ClassSlot = ClassSlot::new();

/// A cookie.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Cookie {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
    pub path: Vec<u8>,
    pub domain: Vec<u8>,
    pub same_site: Vec<u8>,
    pub priority: Vec<u8>,
    /// Whether the value is written as `urlencode` writes it.
    pub encode: bool,
    /// Seconds since the epoch; 0 or less: with the browser.
    pub expires: i64,
    pub secure: bool,
    pub http_only: bool,
    pub partitioned: bool,
}

impl Default for Cookie {
    fn default() -> Self {
        Cookie {
            name: Vec::new(),
            value: Vec::new(),
            path: Vec::new(),
            domain: Vec::new(),
            same_site: Vec::new(),
            priority: Vec::new(),
            encode: true,
            expires: 0,
            secure: false,
            http_only: false,
            partitioned: false,
        }
    }
}

/// Payload of a cookie object.
#[derive(Default)]
pub struct CookieData(RefCell<Cookie>);

swoosh_zend::payload!(CookieData);

impl Cookie {
    /// The value of the `Set-Cookie` field.
    ///
    /// # Errors
    /// The message for PHP: a part contains a reserved character, or the date is too late.
    pub fn write(&self) -> Result<Vec<u8>, &'static str> {
        if self.name.is_empty() {
            return Err("a cookie needs a name");
        }
        if self.name.iter().any(|b| *b == b'=' || is_bad(b)) {
            return Err("a cookie name must not contain '=', ',', ';', spaces or line ends");
        }
        if !self.encode && self.value.iter().any(is_bad) {
            return Err("a raw cookie value must not contain ',', ';', spaces or line ends");
        }
        for part in [&self.path, &self.domain, &self.same_site, &self.priority] {
            if part.iter().any(is_bad) {
                return Err("cookie attributes must not contain ',', ';', spaces or line ends");
            }
        }
        let mut out = self.name.clone();
        out.push(b'=');
        if self.value.is_empty() {
            out.extend_from_slice(b"deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0");
        } else {
            match self.encode {
                true => url_encode(&mut out, &self.value),
                false => out.extend_from_slice(&self.value),
            }
            if self.expires > 0 {
                if self.expires > LAST_SECOND {
                    return Err("the year of a cookie's expiry must have at most four digits");
                }
                let mut when = date(self.expires);
                (when[7], when[11]) = (b'-', b'-');
                out.extend_from_slice(b"; expires=");
                out.extend_from_slice(&when);
                let left = self.expires - (clock::wall_nanos() / 1_000_000_000) as i64;
                out.extend_from_slice(format!("; Max-Age={}", left.max(0)).as_bytes());
            }
        }
        for (name, part) in [("; path=", &self.path), ("; domain=", &self.domain)] {
            put(&mut out, name, part);
        }
        for (name, on) in [("; secure", self.secure), ("; HttpOnly", self.http_only)] {
            out.extend_from_slice(if on { name.as_bytes() } else { b"" });
        }
        for (name, part) in [("; SameSite=", &self.same_site), ("; Priority=", &self.priority)] {
            put(&mut out, name, part);
        }
        out.extend_from_slice(if self.partitioned { b"; Partitioned" } else { b"" });
        Ok(out)
    }
}

fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    if !value.is_empty() {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
    }
}

fn is_bad(byte: &u8) -> bool {
    matches!(byte, b',' | b';' | b' ' | b'\t' | b'\r' | b'\n' | 11 | 12)
}

/// PHP's `urlencode`.
fn url_encode(out: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        match byte {
            b' ' => out.push(b'+'),
            b'-' | b'_' | b'.' => out.push(byte),
            _ if byte.is_ascii_alphanumeric() => out.push(byte),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
}

/// The cookie in an object.
pub fn of(object: &Object) -> Option<Cookie> {
    object.payload::<CookieData>().map(|kept| kept.0.borrow().clone())
}

macro_rules! setters {
    ($($name:ident $field:ident $kind:ident $default:expr;)*) => {$(
        fn $name(call: &mut Call<'_>) -> PhpResult<Option<Object>> {
            let value = setters!($kind call $default);
            call.payload::<CookieData>().0.borrow_mut().$field = value;
            Ok(call.this().cloned())
        }
    )*};
    (bytes $call:ident $default:expr) => { $call.bytes_or(0, $default)?.to_vec() };
    (int $call:ident $default:expr) => { $call.int_or(0, $default)? };
    (bool $call:ident $default:expr) => { $call.bool_or(0, $default)? };
}

setters! {
    with_name name bytes b"";
    with_value value bytes b"";
    with_expires expires int 0;
    with_path path bytes b"/";
    with_domain domain bytes b"";
    with_secure secure bool false;
    with_http_only http_only bool false;
    with_same_site same_site bytes b"";
    with_priority priority bytes b"";
    with_partitioned partitioned bool false;
}

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Http\\Cookie")
        .payload::<CookieData>()
        .method("__construct(bool $encode = true)", construct)
        .method("withName(string $name): Swoole\\Http\\Cookie", with_name)
        .method("withValue(string $value = ''): Swoole\\Http\\Cookie", with_value)
        .method("withExpires(int $expires = 0): Swoole\\Http\\Cookie", with_expires)
        .method("withPath(string $path = '/'): Swoole\\Http\\Cookie", with_path)
        .method("withDomain(string $domain = ''): Swoole\\Http\\Cookie", with_domain)
        .method("withSecure(bool $secure = false): Swoole\\Http\\Cookie", with_secure)
        .method("withHttpOnly(bool $httpOnly = false): Swoole\\Http\\Cookie", with_http_only)
        .method("withSameSite(string $sameSite = ''): Swoole\\Http\\Cookie", with_same_site)
        .method("withPriority(string $priority = ''): Swoole\\Http\\Cookie", with_priority)
        .method("withPartitioned(bool $partitioned = false): Swoole\\Http\\Cookie", with_partitioned)
        .method("toString(): string|false", to_string)
        .method("toArray(): array", to_array)
        .method("reset(): void", reset)
        .register(&COOKIE);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let encode = call.bool_or(0, true)?;
    call.payload::<CookieData>().0.borrow_mut().encode = encode;
    Ok(())
}

fn reset(call: &mut Call<'_>) -> PhpResult<()> {
    *call.payload::<CookieData>().0.borrow_mut() = Cookie::default();
    Ok(())
}

fn to_string(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let cookie = call.payload::<CookieData>().0.borrow().clone();
    Ok(OrFalse(match cookie.write() {
        Ok(text) => Some(text),
        Err(why) => {
            crate::runtime::last_error::warn_misuse(why);
            None
        }
    }))
}

fn to_array(call: &mut Call<'_>) -> PhpResult<Array> {
    let cookie = call.payload::<CookieData>().0.borrow().clone();
    let mut array = Array::with_capacity(16);
    array.insert("name", cookie.name.into_zval());
    array.insert("value", cookie.value);
    array.insert("path", cookie.path);
    array.insert("domain", cookie.domain);
    array.insert("sameSite", cookie.same_site);
    array.insert("priority", cookie.priority);
    array.insert("encode", cookie.encode);
    array.insert("expires", cookie.expires);
    array.insert("secure", cookie.secure);
    array.insert("httpOnly", cookie.http_only);
    array.insert("partitioned", cookie.partitioned);
    Ok(array)
}

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
