//! Names of versions, cipher suites and curves, and what rustls has for them.

use super::config::Versions;
use rustls::crypto::ring::{self, cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use std::sync::Arc;

/// The cryptography of a side that wants those suites and curves. Suites of TLS 1.3 are always there: their names are
/// no part of such a list (SSL_CTX_set_cipher_list(3)).
pub fn provider(ciphers: &str, curves: &str) -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    let wanted = suites_of(ciphers);
    if !wanted.is_empty() {
        provider.cipher_suites.retain(|suite| suite.tls13().is_some());
        provider.cipher_suites.extend(wanted);
    }
    let wanted = curves_of(curves);
    if !wanted.is_empty() {
        provider.kx_groups = wanted;
    }
    Arc::new(provider)
}

/// What rustls calls those versions.
pub fn versions(wanted: Versions) -> Vec<&'static SupportedProtocolVersion> {
    let mut versions = Vec::new();
    versions.extend(wanted.tls13.then_some(&version::TLS13));
    versions.extend(wanted.tls12.then_some(&version::TLS12));
    versions
}

/// What of a list of suites counts for nothing here, told for the log; `None`: all of it counts.
pub fn check_ciphers(list: &str) -> Option<String> {
    let unknown: Vec<&str> = names(list).filter(|name| !SUITES.iter().any(|(known, _)| known == name)).collect();
    if unknown.is_empty() {
        return None;
    }
    let known: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
    let rest = if suites_of(list).is_empty() { "all suites that are safe are offered" } else { "the others count" };
    Some(format!("of ssl_ciphers {} count for nothing, {rest}; there are {}", unknown.join(":"), known.join(":")))
}

/// The same for curves.
pub fn check_curves(list: &str) -> Option<String> {
    let unknown: Vec<&str> = names(list).filter(|name| curve(name).is_none() && *name != "auto").collect();
    if unknown.is_empty() {
        return None;
    }
    Some(format!("of ssl_ecdh_curve {} count for nothing; there are X25519:prime256v1:secp384r1", unknown.join(":")))
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split([':', ',', ' ']).filter(|name| !name.is_empty())
}

fn suites_of(list: &str) -> Vec<SupportedCipherSuite> {
    let known = |name: &str| SUITES.iter().find(|(known, _)| *known == name).map(|(_, suite)| *suite);
    names(list).filter_map(known).collect()
}

fn curves_of(list: &str) -> Vec<&'static dyn SupportedKxGroup> {
    names(list).filter_map(curve).collect()
}

fn curve(name: &str) -> Option<&'static dyn SupportedKxGroup> {
    Some(match name.to_ascii_lowercase().as_str() {
        "x25519" => kx_group::X25519,
        "prime256v1" | "secp256r1" | "p-256" => kx_group::SECP256R1,
        "secp384r1" | "p-384" => kx_group::SECP384R1,
        _ => return None,
    })
}

/// OpenSSL's names (ciphers(1)) of the suites of TLS 1.2 that are there.
const SUITES: [(&str, SupportedCipherSuite); 6] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-AES256-GCM-SHA384", cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES128-GCM-SHA256", cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_suites_names_those_of_tls_1_2_in_its_order() {
        let all = provider("", "").cipher_suites.len();
        assert_eq!((all, provider("HIGH:!aNULL", "auto").cipher_suites.len()), (9, 9));
        let two = provider("ECDHE-RSA-CHACHA20-POLY1305:HIGH:ECDHE-RSA-AES128-GCM-SHA256", "");
        let named: Vec<_> = two.cipher_suites.iter().filter(|s| s.tls13().is_none()).map(|s| s.suite()).collect();
        let wanted = [
            rustls::CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ];
        assert_eq!((named.as_slice(), two.cipher_suites.len()), (&wanted[..], 5));
        assert!(check_ciphers("HIGH:!aNULL").unwrap().contains("of ssl_ciphers HIGH:!aNULL count for nothing, all"));
        assert!(check_ciphers("HIGH:ECDHE-RSA-AES128-GCM-SHA256").unwrap().contains("the others count"));
        assert_eq!(check_ciphers("ECDHE-RSA-AES128-GCM-SHA256"), None);
    }

    #[test]
    fn curves_are_found_by_any_of_their_names() {
        let names = |list: &str| provider("", list).kx_groups.iter().map(|g| g.name()).collect::<Vec<_>>();
        assert_eq!(names("P-384:x25519"), [rustls::NamedGroup::secp384r1, rustls::NamedGroup::X25519]);
        assert_eq!((names("auto").len(), names("prime256v1").len()), (3, 1));
        assert_eq!(check_curves("auto"), None);
        assert!(check_curves("brainpoolP256r1").unwrap().contains("brainpoolP256r1 count for nothing"));
    }
}
