//! The certificate for the name that a client requests (server_name, RFC 6066 section 3).

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Certificates by server name, and a default.
#[derive(Debug)]
pub(super) struct CertificatesByName {
    /// Names in lower case.
    pub named: Vec<(String, Arc<CertifiedKey>)>,
    /// For clients that request no name or an unknown one.
    pub default: Arc<CertifiedKey>,
}

impl ResolvesServerCert for CertificatesByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls passes names in lower case.
        let found = hello.server_name().and_then(|name| find(&self.named, name));
        Some(found.unwrap_or(&self.default).clone())
    }
}

/// An exact name takes precedence over a wildcard, which stands for the whole first label (RFC 6125 section 6.4.3).
fn find<'a, T>(named: &'a [(String, T)], name: &str) -> Option<&'a T> {
    let rest = name.split_once('.').map(|(_, rest)| rest);
    let exact = named.iter().find(|(known, _)| known == name);
    let star = || named.iter().find(|(known, _)| known.strip_prefix("*.").is_some_and(|domain| Some(domain) == rest));
    exact.or_else(star).map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label_and_yields_to_an_exact_name() {
        let named: Vec<(String, u8)> =
            [("*.a.example", 1), ("www.a.example", 2)].map(|(n, v)| (n.to_string(), v)).into();
        for (name, wanted) in [
            ("www.a.example", Some(2)),
            ("api.a.example", Some(1)),
            ("x.api.a.example", None),
            ("a.example", None),
            ("localhost", None),
        ] {
            assert_eq!(find(&named, name).copied(), wanted, "{name}");
        }
    }
}
