//! `Swoole\Coroutine\Socket`: framing, TLS settings, socket options.

use super::data::{Payload, io_or_fail, link};
use super::multicast;
use crate::coroutine::setting_values;
use crate::coroutine::tls::TlsSettings;
use crate::runtime::last_error;
use std::time::Duration;
use swoosh::config::{PortConfig, PortSettings, ServerConfig, apply_port};
use swoosh::sys::socket;
use swoosh_zend::{Array, Call, IntoZval, PhpResult, Zval};

pub(super) fn set_protocol(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    let Some((config, wanted)) = protocol(given) else { return Ok(false) };
    let payload = call.payload::<Payload>();
    payload.packets.set(config);
    *payload.tls.borrow_mut() = wanted.is_open.then_some(wanted);
    payload.acceptor.take();
    Ok(true)
}

/// Parses framing settings; `None`, with a warning, if invalid.
pub fn framing(given: &Array) -> Option<PortConfig> {
    protocol(given).map(|(config, _)| config)
}

/// Parses framing and TLS settings; `None`, with a warning, if invalid.
pub fn protocol(given: &Array) -> Option<(PortConfig, TlsSettings)> {
    let mut port = PortSettings::new();
    for (name, value) in setting_values::named(given) {
        let value = match name.as_str() {
            "package_length_func" if !value.is_null() => match setting_values::length_function(&value) {
                Ok(function) => function,
                Err(why) => {
                    last_error::warn_misuse(&format!("setting {name}: {why}"));
                    return None;
                }
            },
            _ => setting_values::plain(&value),
        };
        if let Err(e) = apply_port(&mut port, &name, &value) {
            last_error::warn_misuse(&e.to_string());
            return None;
        }
    }
    let mut config =
        port.finish(&ServerConfig::default(), true).map_err(|e| last_error::warn_misuse(&e.to_string())).ok()?;
    let mut tls = config.tls.take().unwrap_or_default();
    if tls.alpn.is_empty() && given.get("open_http2_protocol").is_some_and(Zval::to_bool) {
        tls.alpn = vec![b"h2".to_vec()];
    }
    let wanted = TlsSettings::new(tls, given);
    Some((config, wanted))
}

pub(super) fn get_option(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(link) = link(call) else { return Ok(false.into_zval()) };
    let (level, option) = (call.int(0)? as i32, call.int(1)? as i32);
    let payload = call.payload::<Payload>();
    let time = match (level, option) {
        (libc::SOL_SOCKET, libc::SO_RCVTIMEO) => Some(payload.read_limit.get()),
        (libc::SOL_SOCKET, libc::SO_SNDTIMEO) => Some(payload.write_limit.get()),
        _ => None,
    };
    if let Some(time) = time {
        let time = time.unwrap_or_default();
        let mut array = Array::new();
        array.insert("sec", time.as_secs());
        array.insert("usec", i64::from(time.subsec_micros()));
        return Ok(array.into_zval());
    }
    if (level, option) == (libc::SOL_SOCKET, libc::SO_LINGER) {
        return Ok(match io_or_fail(call, link.socket().linger()).0 {
            Some(linger) => {
                let mut array = Array::new();
                array.insert("l_onoff", i64::from(linger.is_some()));
                array.insert("l_linger", linger.map_or(0, |time| time.as_secs()));
                array.into_zval()
            }
            None => false.into_zval(),
        });
    }
    if let Some(index) = multicast::get(link.fd(), level, option) {
        return Ok(io_or_fail(call, index).into_zval());
    }
    Ok(io_or_fail(call, socket::option(link.fd(), level, option)).into_zval())
}

pub(super) fn set_option(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let (level, option) = (call.int(0)? as i32, call.int(1)? as i32);
    let value = call.arg(2).cloned().unwrap_or(Zval::null());
    let part = |name: &str| value.array().and_then(|array| array.get(name).map(Zval::to_int));
    let payload = call.payload::<Payload>();
    if level == libc::SOL_SOCKET && (option == libc::SO_RCVTIMEO || option == libc::SO_SNDTIMEO) {
        let (Some(seconds), Some(micros)) = (part("sec"), part("usec")) else {
            last_error::warn_misuse("a timeout must be an array with sec and usec");
            return Ok(false);
        };
        let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            + Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let slot = if option == libc::SO_RCVTIMEO { &payload.read_limit } else { &payload.write_limit };
        slot.set((!time.is_zero()).then_some(time));
        return Ok(true);
    }
    let done = match (level, option) {
        (libc::SOL_SOCKET, libc::SO_LINGER) => {
            let time = Duration::from_secs(part("l_linger").unwrap_or(0).max(0) as u64);
            link.socket().set_linger((part("l_onoff").unwrap_or(0) != 0).then_some(time))
        }
        _ => multicast::set(link.fd(), level, option, &value).unwrap_or_else(|| match value.bytes() {
            Some(bytes) => socket::set_option(link.fd(), level, option, bytes),
            None => socket::set_option(link.fd(), level, option, &(value.to_int() as i32).to_ne_bytes()),
        }),
    };
    Ok(io_or_fail(call, done).0.is_some())
}
