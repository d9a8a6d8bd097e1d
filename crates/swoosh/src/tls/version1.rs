//! The public key of X.509 version 1 certificates (RFC 5280 section 4.1), which webpki does not read.
//!
//! `openssl x509 -req` without extensions makes such certificates. They are served, and accepted from servers that are not
//! verified; verification of a chain refuses them.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, DigitallySignedStruct, Error};

/// A `SubjectPublicKeyInfo`.
pub(super) struct PublicKey<'c> {
    /// The whole structure, as DER.
    pub(super) whole: &'c [u8],
    /// The content of its `AlgorithmIdentifier`.
    algorithm: &'c [u8],
    /// The content of its bit string.
    key: &'c [u8],
}

/// The public key of a certificate of version 1; `None` for other versions and malformed certificates.
pub(super) fn public_key<'c>(certificate: &'c CertificateDer<'_>) -> Option<PublicKey<'c>> {
    let (whole, _) = content(certificate, SEQUENCE)?;
    let (mut fields, _) = content(whole, SEQUENCE)?;
    // Version 1 is the default, so its field is absent: the serial number comes first.
    fields = content(fields, INTEGER)?.1;
    // Signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        fields = content(fields, SEQUENCE)?.1;
    }
    let (info, rest) = content(fields, SEQUENCE)?;
    let (algorithm, after) = content(info, SEQUENCE)?;
    let (bits, _) = content(after, BIT_STRING)?;
    Some(PublicKey { whole: &fields[..fields.len() - rest.len()], algorithm, key: bits.strip_prefix(&[0])? })
}

/// Verifies a handshake's signature by the key of a certificate of version 1.
pub(super) fn verify_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    known: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    let own = public_key(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let algorithms = known.mapping.iter().filter(|(scheme, _)| *scheme == signature.scheme).flat_map(|(_, all)| *all);
    let mut fitting = algorithms.filter(|algorithm| algorithm.public_key_alg_id().as_ref() == own.algorithm);
    match fitting.any(|algorithm| algorithm.verify_signature(own.key, message, signature.signature()).is_ok()) {
        true => Ok(()),
        false => Err(Error::InvalidCertificate(CertificateError::BadSignature)),
    }
}

/// The content of the DER element at the front, which must have that tag, and the bytes after the element.
fn content(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&own, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let digits = usize::from(first & 0x7F);
        if !(1..=4).contains(&digits) {
            return None;
        }
        let (number, after) = rest.split_at_checked(digits)?;
        length = number.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        rest = after;
    }
    if own == tag { rest.split_at_checked(length) } else { None }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_of_other_versions_and_malformed_ones_have_no_key_here() {
        let third = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap().cert.der().clone();
        assert!(public_key(&third).is_none());
        for bytes in [&b""[..], &[0x30], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x82, 0xFF, 0xFF, 0x30]] {
            assert!(public_key(&CertificateDer::from(bytes)).is_none());
        }
    }
}
