//! The settings that begin with `ssl_`.

use super::{Setting, Value, check, refusal};
use crate::error::Result;
use crate::tls::{NamedCertificate, TlsConfig, Versions, check_ciphers, check_curves};
use std::path::PathBuf;
use std::time::Duration;

/// Sets one of them; what is to be said of it in the log, if anything is.
pub(super) fn apply(tls: &mut TlsConfig, set: &Setting<'_>) -> Result<Option<String>> {
    match set.name {
        "ssl_cert_file" => tls.cert_file = set.path()?.unwrap_or_default(),
        "ssl_key_file" => tls.key_file = set.path()?.unwrap_or_default(),
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
        "ssl_client_cert_file" => tls.client_ca_file = set.path()?,
        "ssl_cafile" => tls.ca_file = set.path()?,
        "ssl_capath" => tls.ca_path = set.path()?,
        "ssl_verify_depth" => tls.verify_depth = Some(set.number()?),
        "ssl_handshake_timeout" => tls.handshake_timeout = Duration::from_secs(set.number()?),
        "ssl_sni_certs" => tls.named = named(set)?,
        _ => {}
    }
    Ok(None)
}

/// Whether the fields go together.
pub(super) fn validate(tls: &TlsConfig) -> Result<()> {
    for (name, file) in [("ssl_cert_file", &tls.cert_file), ("ssl_key_file", &tls.key_file)] {
        if file.as_os_str().is_empty() {
            return Err(refusal(name, "\"\"", "a file in PEM form: a port that speaks TLS needs one".into()));
        }
    }
    if !tls.versions.tls12 && !tls.versions.tls13 {
        return Err(refusal("ssl_protocols", "none", PROTOCOLS.into()));
    }
    check("ssl_handshake_timeout", tls.handshake_timeout.as_secs())
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
            let path = value.map(|value| Setting { name: wanted, value }.path()).transpose()?.flatten();
            path.map_or_else(|| set.refused(WANTS), Ok)
        };
        Ok(NamedCertificate {
            name: name.clone(),
            cert_file: file("ssl_cert_file")?,
            key_file: file("ssl_key_file")?,
        })
    };
    names.iter().map(one).collect()
}

const TLS_1_2: i64 = 32;
const TLS_1_3: i64 = 64;
const PROTOCOLS: &str = "SWOOLE_SSL_TLSv1_2, SWOOLE_SSL_TLSv1_3 or both: older ones are not safe";
