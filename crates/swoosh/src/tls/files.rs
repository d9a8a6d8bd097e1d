//! Certificates and keys from files in PEM form (RFC 7468).

use super::version1;
use crate::error::{Error, Result};
use crate::proto::base64;
use rustls::InconsistentKeys;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io;
use std::path::{Path, PathBuf};

/// The certificates of a file.
///
/// # Errors
/// If it cannot be read or contains none.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    const OPERATION: &str = "read the certificates of";
    let text = read(OPERATION, path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match all {
        Ok(all) if all.is_empty() => Err(invalid(OPERATION, path, "it has none in PEM form (BEGIN CERTIFICATE)")),
        Ok(all) => Ok(all),
        Err(e) => Err(invalid(OPERATION, path, e)),
    }
}

/// The private key of a file.
///
/// # Errors
/// If it cannot be read, contains none, or one with a passphrase.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    const OPERATION: &str = "read the private key of";
    let text = read(OPERATION, path)?;
    let contains = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
    match PrivateKeyDer::from_pem_slice(&text) {
        _ if contains(b"BEGIN ENCRYPTED PRIVATE KEY") || contains(b"Proc-Type: 4,ENCRYPTED") => {
            Err(invalid(OPERATION, path, "it has a passphrase; take that off (openssl pkey -in KEY -out PLAIN)"))
        }
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(invalid(OPERATION, path, "it has none in PEM form (BEGIN PRIVATE KEY)")),
        Err(e) => Err(invalid(OPERATION, path, e)),
    }
}

/// A certificate chain with its private key.
///
/// # Errors
/// As [`certificates`] and [`private_key`]; also if the key does not belong to the certificate or is of an unknown type.
pub(super) fn certified_key(cert_file: &Path, key_file: &Path, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let chain = certificates(cert_file)?;
    let key = private_key(key_file)?;
    let certified =
        provider.key_provider.load_private_key(key).and_then(|key| check_key(CertifiedKey::new(chain, key)));
    certified.map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            invalid("use the private key of", key_file, format_args!("it is not the key of {}", cert_file.display()))
        }
        rustls::Error::InvalidCertificate(_) => invalid("use the certificate of", cert_file, e),
        e => invalid("use the private key of", key_file, e),
    })
}

/// Checks that a key belongs to its certificate, also where the certificate is of X.509 version 1, which webpki does not
/// read: there the certificate contains the public key.
fn check_key(certified: CertifiedKey) -> Result<CertifiedKey, rustls::Error> {
    let spki = certified.key.public_key();
    match (certified.keys_match(), certified.cert.first().and_then(|certificate| version1::public_key(certificate))) {
        (Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)), _) => Ok(certified),
        (Err(_), Some(own)) if spki.is_none_or(|spki| spki.as_ref() == own.whole) => Ok(certified),
        (Err(rustls::Error::InvalidCertificate(_)), Some(_)) => {
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch))
        }
        (Err(e), _) => Err(e),
    }
}

/// The authorities in those files and in the files of that directory, which may contain other files too.
///
/// # Errors
/// If a file or the directory cannot be read or contains no certificate.
pub(super) fn roots<'a>(ca_files: impl IntoIterator<Item = &'a PathBuf>, ca_path: Option<&Path>) -> Result<Roots> {
    let mut roots = Roots { store: RootCertStore::empty(), trusted: Vec::new() };
    for file in ca_files {
        roots.add(certificates(file)?);
        if roots.store.is_empty() {
            return Err(invalid("read the certificates of", file, "none of them can be understood"));
        }
    }
    if let Some(directory) = ca_path {
        let refused = |e| Error::system("read the certificates of", directory.display(), e);
        for entry in std::fs::read_dir(directory).map_err(refused)? {
            roots.add(certificates(&entry.map_err(refused)?.path()).unwrap_or_default());
        }
        if roots.store.is_empty() {
            return Err(invalid("read the certificates of", directory, "no file in it has any"));
        }
    }
    Ok(roots)
}

/// Certificate authorities.
pub(super) struct Roots {
    /// As issuers.
    pub(super) store: RootCertStore,
    /// Their certificates: a peer may present one of them itself.
    pub(super) trusted: Vec<CertificateDer<'static>>,
}

impl Roots {
    fn add(&mut self, certificates: Vec<CertificateDer<'static>>) {
        self.store.add_parsable_certificates(certificates.iter().cloned());
        self.trusted.extend(certificates);
    }
}

/// A certificate in PEM form (RFC 7468 section 5).
///
/// ```
/// assert!(swoosh::tls::to_pem(&[1, 2, 3]).contains("\nAQID\n"));
/// ```
pub fn to_pem(der: &[u8]) -> String {
    let text = base64(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn read(operation: &'static str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::system(operation, path.display(), e))
}

fn invalid(operation: &'static str, path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::system(operation, path.display(), io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> CertificateDer<'static> {
        rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap().cert.der().clone()
    }

    #[test]
    fn a_directory_may_contain_other_files_but_needs_one_with_a_certificate() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("note"), "nothing").unwrap();
        let refused = roots(&[], Some(folder.path())).err().unwrap().to_string();
        assert!(refused.contains("no file in it has any"), "{refused}");
        let (one, two) = (certificate(), certificate());
        std::fs::write(folder.path().join("two"), to_pem(&one) + &to_pem(&two)).unwrap();
        let found = roots(&[], Some(folder.path())).unwrap();
        assert_eq!((found.trusted, found.store.len()), (vec![one, two], 2));
        let refused = roots(&[folder.path().join("note")], None).err().unwrap().to_string();
        assert!(refused.contains("note: it has none in PEM form"), "{refused}");
    }

    #[test]
    fn written_pem_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, der) = (folder.path().join("cert"), certificate());
        std::fs::write(&path, to_pem(&der)).unwrap();
        assert_eq!(certificates(&path).unwrap()[0], der);
        assert!(to_pem(&der).lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn a_key_with_a_passphrase_and_a_missing_key_have_different_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (text, wanted) in [
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n", "has a passphrase"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMA==\n-----END RSA PRIVATE KEY-----\n",
                "has a passphrase",
            ),
            ("", "it has none in PEM form"),
        ] {
            std::fs::write(&path, text).unwrap();
            let refused = private_key(&path).err().unwrap().to_string();
            assert!(refused.contains(wanted), "{refused}");
        }
    }
}
