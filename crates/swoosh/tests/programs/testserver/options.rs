//! The arguments of the test server, and the settings of its ports.

use std::str::FromStr;
use std::time::Duration;
use swoosh::config::{
    Framing, Http2Config, LengthFraming, LengthType, NamedCertificate, PortConfig, TlsConfig, Versions,
};

/// The arguments `name=value`, in order.
pub(crate) struct Options(pub(crate) Vec<(String, String)>);

impl Options {
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn get<T: FromStr>(&self, name: &str) -> Option<T> {
        self.all(name).last().and_then(|v| v.parse().ok())
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.get::<u32>(name) == Some(1)
    }
}

/// The framing of that name.
pub(crate) fn framing(name: &str) -> Framing {
    match name {
        "length" | "length_strict" => {
            Framing::Length(LengthFraming { kind: LengthType::U32Be, offset: 0, body_offset: 4, func: None })
        }
        "eof" => Framing::EofSplit(b"\r\n".to_vec()),
        "http" => Framing::Http,
        "eofcheck" => Framing::EofCheck(b"\r\n".to_vec()),
        _ => Framing::None,
    }
}

/// Applies the options of a port.
pub(crate) fn tune(options: &Options, port: &mut PortConfig) {
    port.framing = framing(&options.get::<String>("framing").unwrap_or("length".into()));
    port.package_max_length = options.get("package_max").unwrap_or(port.package_max_length);
    port.socket_buffer_size = options.get("socket_buffer").unwrap_or(port.socket_buffer_size);
    port.high_watermark = options.get("high").unwrap_or(0);
    port.low_watermark = options.get("low").unwrap_or(0);
    port.heartbeat_idle_time = options.get("idle").unwrap_or(0);
    let seconds = |name, otherwise| options.get(name).map_or(otherwise, Duration::from_millis);
    port.http_header_timeout = seconds("header_timeout", port.http_header_timeout);
    port.http_body_timeout = seconds("body_timeout", port.http_body_timeout);
    port.reuse_port = options.is("reuse_port");
    port.send_buffer = options.get("kernel_send").unwrap_or(0);
    port.http2 = options.is("http2").then(|| http2(options));
    port.tls = tls(options);
}

fn http2(options: &Options) -> Http2Config {
    let otherwise = Http2Config::default();
    Http2Config {
        max_concurrent_streams: options.get("streams").unwrap_or(otherwise.max_concurrent_streams),
        max_header_list_size: options.get("header_list").unwrap_or(otherwise.max_header_list_size),
        ..otherwise
    }
}

fn tls(options: &Options) -> Option<TlsConfig> {
    let mut tls = TlsConfig::new(options.get::<String>("cert")?, options.get::<String>("key")?);
    if let Some(bits) = options.get::<u32>("versions") {
        tls.versions = Versions { tls12: bits & 1 != 0, tls13: bits & 2 != 0 };
    }
    tls.client_ca_file = options.get::<String>("client_ca").map(Into::into);
    tls.verify_peer = tls.client_ca_file.is_some();
    tls.verify_depth = options.get("depth");
    tls.allow_self_signed = options.is("self_signed");
    tls.ciphers = options.get("ciphers").unwrap_or_default();
    tls.handshake_timeout = Duration::from_millis(options.get("handshake").unwrap_or(10_000));
    tls.named = options
        .all("named")
        .filter_map(|one| {
            let mut words = one.split(' ').map(String::from);
            let (name, cert_file, key_file) = (words.next()?, words.next()?.into(), words.next()?.into());
            Some(NamedCertificate { name, cert_file, key_file })
        })
        .collect();
    Some(tls)
}
