//! Verification of a peer's certificate.
//!
//! webpki decides, with three additions that programs written for OpenSSL expect: a certificate that is itself configured
//! as trusted is valid even if it is an authority's, self-signed certificates can be allowed, and the length of the chain can
//! be limited.

use super::files::Roots;
use super::version1;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// The additions to webpki's rules.
#[derive(Debug)]
pub(super) struct Exceptions {
    trusted: Vec<CertificateDer<'static>>,
    allow_self_signed: bool,
    depth: Option<u32>,
}

impl Exceptions {
    pub(super) fn new(roots: &Roots, allow_self_signed: bool, depth: Option<u32>) -> Self {
        Exceptions { trusted: roots.trusted.clone(), allow_self_signed, depth }
    }

    /// Whether a certificate that webpki rejected is accepted. webpki reports an expired certificate first, so that one is
    /// never accepted.
    fn accepts(&self, certificate: &CertificateDer<'_>, error: &Error) -> bool {
        let Error::InvalidCertificate(error) = error else { return false };
        let is_chain_error = match error {
            CertificateError::UnknownIssuer => true,
            CertificateError::Other(other) => {
                matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
            }
            _ => false,
        };
        is_chain_error && (self.trusts(certificate) || self.allow_self_signed && is_self_signed(certificate))
    }

    fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        self.trusted.iter().any(|trusted| trusted == certificate)
    }

    /// Checks the number of intermediate certificates, without a trusted one that the peer may send too.
    fn check_depth(&self, issuers: &[CertificateDer<'_>]) -> Result<(), Error> {
        let between = issuers.iter().filter(|issuer| !self.trusts(issuer)).count();
        match self.depth {
            Some(depth) if between > depth as usize => {
                Err(Error::General(format!("{between} issuers are more than ssl_verify_depth, {depth}")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a certificate names itself as its issuer. The handshake proves that the peer has its key.
fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|c| c.issuer() == c.subject())
}

/// A server's verifier of its clients.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    /// webpki.
    strict: Arc<dyn ClientCertVerifier>,
    exceptions: Exceptions,
}

impl ClientVerifier {
    /// Accepts clients with a certificate issued by one of `roots`.
    pub(super) fn new(
        roots: Roots,
        allow_self_signed: bool,
        depth: Option<u32>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, rustls::server::VerifierBuilderError> {
        let exceptions = Exceptions::new(&roots, allow_self_signed, depth);
        let strict = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.store), provider).build()?;
        Ok(ClientVerifier { strict, exceptions })
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A hint would keep clients from presenting a self-signed certificate.
        if self.exceptions.allow_self_signed { &[] } else { self.strict.root_hint_subjects() }
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.exceptions.check_depth(issuers)?;
        match self.strict.verify_client_cert(certificate, issuers, now) {
            Err(e) if self.exceptions.accepts(certificate, &e) => Ok(ClientCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

/// A function that verifies a handshake signature.
type VerifySignature = fn(
    &[u8],
    &CertificateDer<'_>,
    &DigitallySignedStruct,
    &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error>;

/// A client's verifier of servers.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    /// `None`: every server is accepted.
    strict: Option<(RootCertStore, Exceptions)>,
    /// The name that the certificate must have; `None`: any.
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerVerifier {
    /// Accepts servers with a certificate for that name issued by one of `roots`.
    pub(super) fn new(
        roots: Roots,
        name: Option<ServerName<'static>>,
        allow_self_signed: bool,
        depth: Option<u32>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let exceptions = Exceptions::new(&roots, allow_self_signed, depth);
        ServerVerifier { strict: Some((roots.store, exceptions)), name, provider }
    }

    /// Accepts every server.
    pub(super) fn accept_all(provider: Arc<CryptoProvider>) -> Self {
        ServerVerifier { strict: None, name: None, provider }
    }

    /// Verifies a handshake signature with `verify`, that of the session's version of TLS. webpki refuses certificates of version
    /// 1, so that their keys are read here where every server is accepted.
    fn verify_signature(
        &self,
        verify: VerifySignature,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        if self.strict.is_none() && version1::public_key(certificate).is_some() {
            return version1::verify_signature(message, certificate, signature, known)
                .map(|()| HandshakeSignatureValid::assertion());
        }
        verify(message, certificate, signature, known)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some((roots, exceptions)) = &self.strict else { return Ok(ServerCertVerified::assertion()) };
        exceptions.check_depth(issuers)?;
        let parsed = ParsedCertificate::try_from(certificate)?;
        let known = self.provider.signature_verification_algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(&parsed, roots, issuers, now, known) {
            Err(e) if !exceptions.accepts(certificate, &e) => return Err(e),
            _ => {}
        }
        if let Some(name) = &self.name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(rustls::crypto::verify_tls12_signature, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(rustls::crypto::verify_tls13_signature, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
