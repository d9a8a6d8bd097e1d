//! The settings of a client.

use super::data::{Payload, SETTING, set_property};
use crate::api::coroutine_client::Proxy;
use crate::api::socket::protocol;
use crate::coroutine::setting_values;
use crate::coroutine::timeout;
use crate::coroutine::tls::TlsSettings;
use std::time::Duration;
use swoosh::client::{ClientConfig, Kind, ProxyConfig};
use swoosh::config::{Framing, PortConfig};
use swoosh::tls::ClientTls;
use swoosh_zend::{Array, Call, PhpResult, Zval};

/// Merges settings into `$setting`. They are examined by `connect`.
pub(super) fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (Some(given), Some(this)) = (call.arg(0).and_then(Zval::array), call.this()) else { return Ok(false) };
    let all = setting_values::merged(this, SETTING, given);
    let payload = call.payload::<Payload>();
    set_property(call, SETTING, all.clone());
    if let Some(client) = payload.client.borrow_mut().as_mut()
        && let Some(parsed) = parse(&all, client.config_mut().kind)
    {
        let config = client.config_mut();
        config.framing = parsed.engine.framing;
        config.max_packet = parsed.engine.max_packet;
        (config.read_timeout, config.write_timeout) =
            (parsed.read.unwrap_or(config.read_timeout), parsed.write.unwrap_or(config.write_timeout));
    }
    Ok(true)
}

/// The parsed settings.
pub(super) struct Parsed {
    /// Time limits other than those below are the defaults.
    pub(super) engine: ClientConfig,
    /// Those of the port that a server would have.
    pub(super) port: PortConfig,
    pub(super) tls: TlsSettings,
    pub(super) proxy: Option<Proxy>,
    /// `read_timeout` and `write_timeout`, or `timeout`, if set.
    pub(super) read: Option<Option<Duration>>,
    pub(super) write: Option<Option<Duration>>,
}

/// Parses all settings; `None`, after a warning, if one is not valid.
pub(super) fn parse(all: &Array, kind: Kind) -> Option<Parsed> {
    let (mut port, tls) = protocol(all)?;
    if let Framing::Length(length) = &mut port.framing
        && all.get("package_body_offset").is_none()
    {
        // To a client, the length counts the whole packet by default.
        length.body_offset = 0;
    }
    let text =
        |name: &str| all.get(name).and_then(Zval::bytes).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let mut engine = ClientConfig::new(kind);
    engine.framing = match port.framing.clone() {
        // `recv` returns one record even if several have arrived.
        Framing::EofCheck(eof) => Framing::EofSplit(eof),
        framing => framing,
    };
    engine.max_packet = port.package_max_length;
    engine.nodelay = all.get("open_tcp_nodelay").is_some_and(Zval::to_bool);
    engine.buffer_size =
        all.get("socket_buffer_size").and_then(|size| usize::try_from(size.to_int()).ok()).filter(|&n| n > 0);
    engine.local = text("bind_address").filter(|host| !host.is_empty()).map(|host| {
        let port = all.get("bind_port").map_or(0, Zval::to_int);
        (host, u16::try_from(port).unwrap_or(0))
    });
    let proxy = Proxy::of(all);
    engine.proxy = proxy.as_ref().map(|proxy| ProxyConfig {
        is_socks5: proxy.socks,
        host: String::from_utf8_lossy(proxy.address().0).into_owned(),
        port: u16::try_from(proxy.address().1).unwrap_or(0),
        credentials: proxy.login(),
        user_agent: concat!("Swoole/", "6.2.1").to_owned(),
    });
    let time = |name: &str| all.get(name).or(all.get("timeout")).map(|value| timeout::limit(value.to_float()));
    Some(Parsed { engine, port, tls, proxy, read: time("read_timeout"), write: time("write_timeout") })
}

/// The settings of an object, parsed.
pub(super) fn parsed(call: &Call<'_>, kind: Kind) -> Option<Parsed> {
    let all = call.this().and_then(|this| this.slot(SETTING).array().cloned()).unwrap_or_default();
    parse(&all, kind)
}

/// The TLS settings for a host; `None` if the connection does not begin with TLS.
pub(super) fn tls_of(parsed: &Parsed, opens_tls: bool, host: &[u8]) -> Option<ClientTls> {
    (opens_tls || parsed.tls.is_open).then(|| parsed.tls.of_client(host))
}

/// The time limit of an argument: 0 or less means none.
pub(super) fn limit(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| timeout::duration(seconds))
}
