//! Which certificate a peer is shown: by the name it asks for (server_name, RFC 6066 section 3).

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Certificates by name, and one for every other name.
#[derive(Debug)]
pub struct ByName {
    /// Names in lower case.
    pub named: Vec<(String, Arc<CertifiedKey>)>,
    /// For peers that ask for no name, or another.
    pub default: Arc<CertifiedKey>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls gives names in lower case.
        let found = hello.server_name().and_then(|name| find(&self.named, name));
        Some(found.unwrap_or(&self.default).clone())
    }
}

/// A name as it is goes before one with a star (RFC 6125 section 6.4.3: the star is the whole first label).
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
    fn a_star_is_one_label_and_comes_second() {
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
