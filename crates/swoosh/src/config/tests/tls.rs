//! TLS settings.

use crate::config::{
    NamedCertificate, Outcome, PortConfig, PortSettings, ServerConfig, TlsConfig, Value, Versions, apply_port,
};
use crate::error::Result;
use std::time::Duration;

fn set(settings: &[(&str, Value)]) -> Result<PortConfig> {
    let mut port = PortSettings::new();
    for (name, value) in
        [("ssl_cert_file", Value::from("/cert")), ("ssl_key_file", Value::from("/key"))].iter().chain(settings)
    {
        assert!(!matches!(apply_port(&mut port, name, value)?, Outcome::Unknown { .. }), "{name}");
    }
    assert!(port.finish(&ServerConfig::default(), false)?.tls.is_none());
    let port = port.finish(&ServerConfig::default(), true)?;
    port.tls.as_ref().map_or(Ok(()), TlsConfig::validate)?;
    Ok(port)
}

fn refused(name: &str, value: Value) -> String {
    set(&[(name, value)]).err().unwrap_or_else(|| panic!("{name} is accepted")).to_string()
}

#[test]
fn every_setting_is_stored_in_its_field() {
    let names = Value::Map(vec![(
        "a.example".into(),
        Value::Map(vec![("ssl_cert_file".into(), Value::from("/a")), ("ssl_key_file".into(), Value::from("/b"))]),
    )]);
    let tls = set(&[
        ("ssl_verify_peer", Value::Bool(true)),
        ("ssl_allow_self_signed", Value::Int(1)),
        ("ssl_client_cert_file", Value::from("/ca")),
        ("ssl_cafile", Value::from("/more")),
        ("ssl_capath", Value::from("/folder")),
        ("ssl_verify_depth", Value::Int(3)),
        ("ssl_protocols", Value::Int(64)),
        ("ssl_ciphers", Value::from("HIGH")),
        ("ssl_ecdh_curve", Value::from("auto")),
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
fn an_error_names_the_setting() {
    for (name, value) in [
        ("ssl_protocols", Value::Int(8)),
        ("ssl_cert_file", Value::from("")),
        ("ssl_key_file", Value::from("")),
        ("ssl_handshake_timeout", Value::Int(0)),
        ("ssl_verify_depth", Value::Int(-1)),
        ("ssl_sni_certs", Value::from("a")),
        ("ssl_sni_certs", Value::Map(vec![("a".into(), Value::Map(vec![("ssl_key_file".into(), Value::from("/a"))]))])),
    ] {
        assert!(refused(name, value).starts_with(&format!("setting {name}: ")), "{name}");
    }
    assert!(refused("ssl_protocols", Value::Int(8)).contains("older ones are not safe"));
}

#[test]
fn unsupported_values_are_reported() {
    let note = |name, value| match apply_port(&mut PortSettings::new(), name, &value).unwrap() {
        Outcome::Adjusted(text) => text,
        other => panic!("{name}: {other:?}"),
    };
    assert!(note("ssl_protocols", Value::Int(8 | 32)).contains("only TLS 1.2 and 1.3 count"));
    assert!(note("ssl_ciphers", Value::from("EECDH+AESGCM")).contains("ignoring the unknown EECDH+AESGCM"));
    assert!(note("ssl_ecdh_curve", Value::from("P-521")).contains("ignoring the unknown P-521"));
    assert!(matches!(
        apply_port(&mut PortSettings::new(), "ssl_cert_fil", &Value::from("a")).unwrap(),
        Outcome::Unknown { nearest: Some("ssl_cert_file") }
    ));
}
