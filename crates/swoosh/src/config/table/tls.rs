//! TLS settings of a port.

use super::rows::settings;
use crate::config::input::{Input, Note};
use crate::config::kind::Kind;
use crate::config::setting::{Setter, Target};
use crate::config::tls::{NamedCertificate, PROTOCOLS, Versions, absolute, check_ciphers, check_curves};
use crate::config::value::Value;
use crate::error::Result;
use std::path::PathBuf;

settings! { TLS in Target::Port;
    /// The certificate in PEM form, followed by its issuers; a changed file is read again.
    ssl_cert_file: Kind::Path, "none; a TLS port needs one" => Setter::Port(|p, v| {
        p.tls.cert_file = path(v)?.unwrap_or_default();
        Ok(None)
    });
    /// Its private key in PEM form (PKCS#8, PKCS#1, SEC1), without a passphrase.
    ssl_key_file: Kind::Path, "none; a TLS port needs one" => Setter::Port(|p, v| {
        p.tls.key_file = path(v)?.unwrap_or_default();
        Ok(None)
    });
    /// Versions of the protocol: SWOOLE_SSL_TLSv1_2 (32), SWOOLE_SSL_TLSv1_3 (64) or both; older ones do not count.
    ssl_protocols: Kind::int(0, u32::MAX as i64, "a number"), "0: both" =>
        Setter::Port(|p, v| versions(v, &mut p.tls.versions));
    /// Cipher suites of TLS 1.2 by their OpenSSL names, separated by colons.
    ssl_ciphers: Kind::Text, "all supported" => Setter::Port(|p, v| {
        p.tls.ciphers = v.text()?.unwrap_or_default();
        Ok(check_ciphers(&p.tls.ciphers))
    });
    /// Curves of the key exchange: `X25519`, `prime256v1`, `secp384r1` or `auto`, separated by colons.
    ssl_ecdh_curve: Kind::Text, "all supported" => Setter::Port(|p, v| {
        p.tls.curves = v.text()?.unwrap_or_default();
        Ok(check_curves(&p.tls.curves))
    });
    /// The server's order of cipher suites decides.
    ssl_prefer_server_ciphers: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.tls.prefer_server_ciphers));
    /// A client must present a certificate; needs `ssl_client_cert_file`.
    ssl_verify_peer: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.tls.verify_peer));
    /// With `ssl_verify_peer`, self-signed certificates are accepted.
    ssl_allow_self_signed: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.tls.allow_self_signed));
    /// Certificates of the authorities that issue client certificates.
    ssl_client_cert_file: Kind::Path, "none" => Setter::Port(|p, v| {
        p.tls.client_ca_file = path(v)?;
        Ok(None)
    });
    /// A file with more authorities.
    ssl_cafile: Kind::Path, "none" => Setter::Port(|p, v| {
        p.tls.ca_file = path(v)?;
        Ok(None)
    });
    /// A directory with files of more authorities.
    ssl_capath: Kind::Path, "none" => Setter::Port(|p, v| {
        p.tls.ca_path = path(v)?;
        Ok(None)
    });
    /// The greatest number of intermediate certificates that a client may present.
    ssl_verify_depth: Kind::int(0, 100, "issuers"), "6" => Setter::Port(|p, v| {
        p.tls.verify_depth = Some(v.number()?);
        Ok(None)
    });
    /// Certificates for other server names, also `*.` names: by name a map with `ssl_cert_file` and `ssl_key_file`.
    ssl_sni_certs: Kind::Map, "none" => Setter::Port(|p, v| {
        p.tls.named = named(v)?;
        Ok(None)
    });
    /// The time for a handshake. Not in Swoole.
    ssl_handshake_timeout: Kind::int(1, 3600, "seconds"), "10" =>
        Setter::Port(|p, v| v.store(&mut p.tls.handshake_timeout));
    /// A file with Diffie-Hellman parameters.
    ssl_dhparam: Kind::Path, "none" =>
        Setter::Unsupported("keys are agreed upon over curves only (ssl_ecdh_curve)");
    /// TLS compression.
    ssl_compress: Kind::Bool, "false" =>
        Setter::Unsupported("compression would give secrets away (CVE-2012-4929)");
}

fn path(input: &Input<'_>) -> Result<Option<PathBuf>> {
    Ok(input.path()?.map(absolute))
}

fn versions(input: &Input<'_>, field: &mut Versions) -> Result<Note> {
    let bits: i64 = input.number()?;
    let versions = Versions { tls12: bits & TLS_1_2 != 0, tls13: bits & TLS_1_3 != 0 };
    if bits == 0 {
        *field = Versions::default();
        return Ok(None);
    }
    if !versions.tls12 && !versions.tls13 {
        return input.refused(PROTOCOLS);
    }
    *field = versions;
    let old = bits & !(TLS_1_2 | TLS_1_3) != 0;
    Ok(old.then(|| "of ssl_protocols only TLS 1.2 and 1.3 count: older ones are not safe".into()))
}

fn named(input: &Input<'_>) -> Result<Vec<NamedCertificate>> {
    const EXPECTED: &str = "for each name a map with ssl_cert_file and ssl_key_file";
    let names: &[(String, Value)] = match input.value {
        Value::Map(names) => names,
        Value::List(list) if list.is_empty() => &[],
        _ => return input.refused(EXPECTED),
    };
    let one = |(name, files): &(String, Value)| {
        let Value::Map(files) = files else { return input.refused(EXPECTED) };
        let file = |wanted: &'static str| -> Result<PathBuf> {
            let value = files.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
            let file = value.map(|value| path(&Input { name: wanted, kind: Kind::Path, value })).transpose()?;
            file.flatten().map_or_else(|| input.refused(EXPECTED), Ok)
        };
        Ok(NamedCertificate { name: name.clone(), cert_file: file("ssl_cert_file")?, key_file: file("ssl_key_file")? })
    };
    names.iter().map(one).collect()
}

const TLS_1_2: i64 = 32;
const TLS_1_3: i64 = 64;
