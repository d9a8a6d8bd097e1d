//! The address of a registry, and the exception that its failures throw.

use swoosh_zend::error::throw;
use swoosh_zend::{Call, ClassSlot, IntoZval, Object, PhpResult, Raised, Zval, call_function};

pub(super) static EXCEPTION: ClassSlot = ClassSlot::new();

/// Stores the arguments of a constructor.
pub(super) fn prepare(call: &mut Call<'_>, prefix: &str) -> PhpResult<()> {
    let url = call.string(0)?.clone();
    let prefix = call.arg(1).cloned().unwrap_or_else(|| prefix.into_zval());
    let Some(this) = call.this() else { return Ok(()) };
    this.set_slot(PREFIX, prefix);
    check_url(this, url.as_bytes())
}

/// Parses the URL of a registry.
pub(super) fn check_url(this: &Object, url: &[u8]) -> PhpResult<()> {
    let parts = call_function("parse_url", &mut [url.into_zval()])?.unwrap_or(Zval::null());
    let text = |name: &str| {
        let part = parts.array().and_then(|parts| parts.get(name)).and_then(Zval::to_zstr);
        part.map(|part| part.to_text().into_owned())
    };
    let (Some(scheme), Some(host)) = (text("scheme"), text("host")) else {
        let url = String::from_utf8_lossy(url);
        return Err(refuse(&format!("registry URL {url:?}: scheme or host is missing")));
    };
    let port = text("port").map(|port| format!(":{port}")).unwrap_or_default();
    let path = text("path").map(|path| path.trim_end_matches('/').to_owned()).unwrap_or_default();
    this.set_slot(BASE_URL, format!("{scheme}://{host}{port}{path}"));
    this.set_slot(INFO, parts);
    Ok(())
}

/// Throws if a registry's response is not 2xx.
pub(super) fn check_answer(answer: &Object) -> PhpResult<()> {
    let status = answer.call_method("getStatusCode", &mut [])?.to_int();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let body = answer.call_method("getBody", &mut [])?;
    let body = body.bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    Err(throw(EXCEPTION.get(), &format!("the registry answered {status}: {body}"), status))
}

/// A `Swoole\NameResolver\Exception`.
pub(super) fn refuse(why: &str) -> Raised {
    throw(EXCEPTION.get(), why, 0)
}

pub(super) const BASE_URL: usize = 1;
pub(super) const INFO: usize = 2;
pub(super) const PREFIX: usize = 3;
