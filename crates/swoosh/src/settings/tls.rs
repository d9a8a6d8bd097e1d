//! The settings that begin with `ssl_`.

use super::{Setting, Value, refusal, wants_number};
use crate::error::Result;
use crate::tls::{NamedCertificate, TlsConfig, Versions, check_ciphers, check_curves, from_here};
use std::path::PathBuf;
use std::time::Duration;

/// Sets one of them; what is to be said of it in the log, if anything is.
pub(super) fn apply(tls: &mut TlsConfig, set: &Setting<'_>) -> Result<Option<String>> {
    match set.name {
        "ssl_cert_file" => tls.cert_file = path(set)?.unwrap_or_default(),
        "ssl_key_file" => tls.key_file = path(set)?.unwrap_or_default(),
        "ssl_protocols" => {
            let (versions, told) = versions(set)?;
            tls.versions = versions;
            return Ok(told);
        }
        "ssl_ciphers" => {
            tls.ciphers = set.text()?.unwrap_or_default();
            return Ok(check_ciphers(&tls.ciphers));
        }
        "ssl_ecdh_curve" => {
            tls.curves = set.text()?.unwrap_or_default();
            return Ok(check_curves(&tls.curves));
        }
        "ssl_prefer_server_ciphers" => tls.prefer_server_ciphers = set.truth(),
        "ssl_verify_peer" => tls.verify_peer = set.truth(),
        "ssl_allow_self_signed" => tls.allow_self_signed = set.truth(),
        "ssl_client_cert_file" => tls.client_ca_file = path(set)?,
        "ssl_cafile" => tls.ca_file = path(set)?,
        "ssl_capath" => tls.ca_path = path(set)?,
        "ssl_verify_depth" => tls.verify_depth = Some(set.number()?),
        "ssl_handshake_timeout" => tls.handshake_timeout = Duration::from_secs(set.number()?),
        "ssl_sni_certs" => tls.named = named(set)?,
        _ => {}
    }
    Ok(None)
}

fn path(set: &Setting<'_>) -> Result<Option<PathBuf>> {
    Ok(set.path()?.map(from_here))
}

/// Whether the fields go together.
pub(crate) fn validate(tls: &TlsConfig) -> Result<()> {
    for (name, file) in [("ssl_cert_file", &tls.cert_file), ("ssl_key_file", &tls.key_file)] {
        if file.as_os_str().is_empty() {
            return Err(refusal(name, "\"\"", "a file in PEM form: a port that speaks TLS needs one".into()));
        }
    }
    if !tls.versions.tls12 && !tls.versions.tls13 {
        return Err(refusal("ssl_protocols", "none", PROTOCOLS.into()));
    }
    if tls.handshake_timeout.is_zero() {
        return Err(refusal("ssl_handshake_timeout", 0, wants_number("ssl_handshake_timeout")));
    }
    Ok(())
}

/// The bits of SWOOLE_SSL_TLSv1_2 and SWOOLE_SSL_TLSv1_3; 0: both.
fn versions(set: &Setting<'_>) -> Result<(Versions, Option<String>)> {
    let bits: i64 = set.number()?;
    let versions = Versions { tls12: bits & TLS_1_2 != 0, tls13: bits & TLS_1_3 != 0 };
    if bits == 0 {
        return Ok((Versions::default(), None));
    }
    if !versions.tls12 && !versions.tls13 {
        return set.refused(PROTOCOLS);
    }
    let old = bits & !(TLS_1_2 | TLS_1_3) != 0;
    Ok((versions, old.then(|| "of ssl_protocols only TLS 1.2 and 1.3 count: older ones are not safe".into())))
}

/// By name a map with `ssl_cert_file` and `ssl_key_file`.
fn named(set: &Setting<'_>) -> Result<Vec<NamedCertificate>> {
    const WANTS: &str = "for each name a map with ssl_cert_file and ssl_key_file";
    let names: &[(String, Value)] = match set.value {
        Value::Map(names) => names,
        Value::List(list) if list.is_empty() => &[],
        _ => return set.refused(WANTS),
    };
    let one = |(name, files): &(String, Value)| {
        let Value::Map(files) = files else { return set.refused(WANTS) };
        let file = |wanted: &'static str| -> Result<PathBuf> {
            let value = files.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
            let found = value.map(|value| path(&Setting { name: wanted, value })).transpose()?.flatten();
            found.map_or_else(|| set.refused(WANTS), Ok)
        };
        Ok(NamedCertificate { name: name.clone(), cert_file: file("ssl_cert_file")?, key_file: file("ssl_key_file")? })
    };
    names.iter().map(one).collect()
}

const TLS_1_2: i64 = 32;
const TLS_1_3: i64 = 64;
const PROTOCOLS: &str = "SWOOLE_SSL_TLSv1_2, SWOOLE_SSL_TLSv1_3 or both: older ones are not safe";

#[cfg(test)]
mod tests {
    use super::super::{Known, PortSettings, apply_port};
    use super::*;
    use crate::config::{PortConfig, ServerConfig};

    fn text(text: &str) -> Value {
        Value::Str(text.as_bytes().to_vec())
    }

    fn set(settings: &[(&str, Value)]) -> Result<PortConfig> {
        let mut port = PortSettings::new();
        for (name, value) in [("ssl_cert_file", text("/cert")), ("ssl_key_file", text("/key"))].iter().chain(settings) {
            assert!(!matches!(apply_port(&mut port, name, value)?, Known::Unknown { .. }), "{name}");
        }
        assert!(port.finish(&ServerConfig::default(), false)?.tls.is_none());
        let port = port.finish(&ServerConfig::default(), true)?;
        port.tls.as_ref().map_or(Ok(()), validate)?;
        Ok(port)
    }

    fn refused(name: &str, value: Value) -> String {
        set(&[(name, value)]).err().unwrap_or_else(|| panic!("{name} is taken")).to_string()
    }

    #[test]
    fn what_is_set_is_what_the_port_does() {
        let names = Value::Map(vec![(
            "a.example".into(),
            Value::Map(vec![("ssl_cert_file".into(), text("/a")), ("ssl_key_file".into(), text("/b"))]),
        )]);
        let tls = set(&[
            ("ssl_verify_peer", Value::Bool(true)),
            ("ssl_allow_self_signed", Value::Int(1)),
            ("ssl_client_cert_file", text("/ca")),
            ("ssl_cafile", text("/more")),
            ("ssl_capath", text("/folder")),
            ("ssl_verify_depth", Value::Int(3)),
            ("ssl_protocols", Value::Int(TLS_1_3)),
            ("ssl_ciphers", text("HIGH")),
            ("ssl_ecdh_curve", text("auto")),
            ("ssl_prefer_server_ciphers", Value::Bool(true)),
            ("ssl_handshake_timeout", Value::Int(7)),
            ("ssl_sni_certs", names),
        ]);
        let wanted = TlsConfig {
            versions: Versions { tls12: false, tls13: true },
            ciphers: "HIGH".into(),
            curves: "auto".into(),
            prefer_server_ciphers: true,
            verify_peer: true,
            allow_self_signed: true,
            client_ca_file: Some("/ca".into()),
            ca_file: Some("/more".into()),
            ca_path: Some("/folder".into()),
            verify_depth: Some(3),
            named: vec![NamedCertificate { name: "a.example".into(), cert_file: "/a".into(), key_file: "/b".into() }],
            handshake_timeout: Duration::from_secs(7),
            ..TlsConfig::new("/cert", "/key")
        };
        assert_eq!(tls.unwrap().tls, Some(wanted));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (name, value) in [
            ("ssl_protocols", Value::Int(8)),
            ("ssl_cert_file", text("")),
            ("ssl_key_file", text("")),
            ("ssl_handshake_timeout", Value::Int(0)),
            ("ssl_verify_depth", Value::Int(-1)),
            ("ssl_sni_certs", text("a")),
            ("ssl_sni_certs", Value::Map(vec![("a".into(), Value::Map(vec![("ssl_key_file".into(), text("/a"))]))])),
        ] {
            assert!(refused(name, value).starts_with(&format!("setting {name}: ")), "{name}");
        }
        assert!(refused("ssl_protocols", Value::Int(8)).contains("older ones are not safe"));
    }

    #[test]
    fn what_counts_for_nothing_is_told() {
        let told = |name, value| match apply_port(&mut PortSettings::new(), name, &value).unwrap() {
            Known::Adjusted(text) => text,
            other => panic!("{name}: {other:?}"),
        };
        assert!(told("ssl_protocols", Value::Int(8 | TLS_1_2)).contains("only TLS 1.2 and 1.3 count"));
        assert!(told("ssl_ciphers", text("EECDH+AESGCM")).contains("EECDH+AESGCM count for nothing"));
        assert!(told("ssl_ecdh_curve", text("P-521")).contains("P-521 count for nothing"));
        assert!(matches!(
            apply_port(&mut PortSettings::new(), "ssl_cert_fil", &text("a")).unwrap(),
            Known::Unknown { nearest: Some("ssl_cert_file") }
        ));
    }
}
