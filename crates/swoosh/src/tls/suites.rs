//! rustls's versions, cipher suites and curves for the names in the settings.

use crate::config::{Versions, cipher_suites, curves};
use rustls::crypto::ring::{self, cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use std::sync::Arc;

/// The cryptography with those suites and curves; a list without a supported name means all. The suites of TLS 1.3 are
/// always included: such a list does not name them (SSL_CTX_set_cipher_list(3)).
pub(super) fn provider(ciphers: &str, curve_names: &str) -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    let wanted: Vec<_> = cipher_suites(ciphers).map(|index| SUITES[index]).collect();
    if !wanted.is_empty() {
        provider.cipher_suites.retain(|suite| suite.tls13().is_some());
        provider.cipher_suites.extend(wanted);
    }
    let wanted: Vec<_> = curves(curve_names).map(|index| CURVES[index]).collect();
    if !wanted.is_empty() {
        provider.kx_groups = wanted;
    }
    Arc::new(provider)
}

/// rustls's values for those versions.
pub(super) fn versions(wanted: Versions) -> Vec<&'static SupportedProtocolVersion> {
    let mut versions = Vec::new();
    versions.extend(wanted.tls13.then_some(&version::TLS13));
    versions.extend(wanted.tls12.then_some(&version::TLS12));
    versions
}

/// In the order of the names in [`crate::config`].
const SUITES: [SupportedCipherSuite; 6] = [
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// In the order of the names in [`crate::config`].
const CURVES: [&dyn SupportedKxGroup; 3] = [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{check_ciphers, check_curves};

    #[test]
    fn a_list_selects_suites_of_tls_1_2_in_its_order() {
        let all = provider("", "").cipher_suites.len();
        assert_eq!((all, provider("HIGH:!aNULL", "auto").cipher_suites.len()), (9, 9));
        let two = provider("ECDHE-RSA-CHACHA20-POLY1305:HIGH:ECDHE-RSA-AES128-GCM-SHA256", "");
        let named: Vec<_> = two.cipher_suites.iter().filter(|s| s.tls13().is_none()).map(|s| s.suite()).collect();
        let wanted = [
            rustls::CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ];
        assert_eq!((named.as_slice(), two.cipher_suites.len()), (&wanted[..], 5));
        assert!(
            check_ciphers("HIGH:!aNULL")
                .unwrap()
                .contains("ssl_ciphers: ignoring the unknown HIGH:!aNULL, offering all")
        );
        assert!(check_ciphers("HIGH:ECDHE-RSA-AES128-GCM-SHA256").unwrap().contains("offering the others"));
        assert_eq!(check_ciphers("ECDHE-RSA-AES128-GCM-SHA256"), None);
    }

    #[test]
    fn a_curve_is_found_by_each_of_its_names() {
        let names = |list: &str| provider("", list).kx_groups.iter().map(|g| g.name()).collect::<Vec<_>>();
        assert_eq!(names("P-384:x25519"), [rustls::NamedGroup::secp384r1, rustls::NamedGroup::X25519]);
        assert_eq!((names("auto").len(), names("prime256v1").len()), (3, 1));
        assert_eq!(check_curves("auto"), None);
        assert!(check_curves("brainpoolP256r1").unwrap().contains("ignoring the unknown brainpoolP256r1"));
    }
}
