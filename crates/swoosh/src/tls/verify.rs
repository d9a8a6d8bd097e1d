//! Whether a peer's certificate is good enough.
//!
//! webpki decides. Three things are added, as programs written for OpenSSL expect them: a certificate that was itself
//! named as trusted is good even where it is an issuer's, one that only vouches for itself can be allowed, and the way up
//! to the trusted one can be bounded.

use super::files::Roots;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// What is added to webpki's judgement.
#[derive(Debug)]
pub struct Leniency {
    trusted: Vec<CertificateDer<'static>>,
    allow_self_signed: bool,
    depth: Option<u32>,
}

impl Leniency {
    /// For those roots.
    pub fn new(roots: &Roots, allow_self_signed: bool, depth: Option<u32>) -> Self {
        Leniency { trusted: roots.trusted.clone(), allow_self_signed, depth }
    }

    /// Whether a certificate that webpki refused for `why` is good after all. Of several reasons webpki gives that of
    /// time first.
    fn forgives(&self, certificate: &CertificateDer<'_>, why: &Error) -> bool {
        let Error::InvalidCertificate(why) = why else { return false };
        let of_its_place = match why {
            CertificateError::UnknownIssuer => true,
            CertificateError::Other(other) => {
                matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
            }
            _ => false,
        };
        of_its_place && (self.trusts(certificate) || self.allow_self_signed && is_self_signed(certificate))
    }

    fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        self.trusted.iter().any(|trusted| trusted == certificate)
    }

    /// Issuers on the way, not counting the trusted one that the peer may show too.
    fn check_depth(&self, issuers: &[CertificateDer<'_>]) -> Result<(), Error> {
        let between = issuers.iter().filter(|issuer| !self.trusts(issuer)).count();
        match self.depth {
            Some(depth) if between > depth as usize => {
                let why = format!("{between} issuers are more than ssl_verify_depth, {depth}");
                Err(Error::General(why))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a certificate names itself as its issuer. That it has the key to it is what the handshake proves.
fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|c| c.issuer() == c.subject())
}

/// A server's judge of its clients.
#[derive(Debug)]
pub struct OfClients {
    /// webpki.
    pub strict: Arc<dyn ClientCertVerifier>,
    /// What is added.
    pub leniency: Leniency,
}

impl OfClients {
    /// Clients that `roots` vouch for.
    pub fn new(
        roots: Roots,
        allow_self_signed: bool,
        depth: Option<u32>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, rustls::server::VerifierBuilderError> {
        let leniency = Leniency::new(&roots, allow_self_signed, depth);
        let strict = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.store), provider).build()?;
        Ok(OfClients { strict, leniency })
    }
}

impl ClientCertVerifier for OfClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A hint would keep clients from showing what only vouches for itself.
        if self.leniency.allow_self_signed { &[] } else { self.strict.root_hint_subjects() }
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.leniency.check_depth(issuers)?;
        match self.strict.verify_client_cert(certificate, issuers, now) {
            Err(why) if self.leniency.forgives(certificate, &why) => Ok(ClientCertVerified::assertion()),
            judged => judged,
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

/// A client's judge of servers.
#[derive(Debug)]
pub struct OfServers {
    /// Who vouches for them, and what is added; `None`: every server is good.
    strict: Option<(RootCertStore, Leniency)>,
    /// The name it must have; `None`: any.
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl OfServers {
    /// Servers that `roots` vouch for, with that name.
    pub fn new(
        roots: Roots,
        name: Option<ServerName<'static>>,
        allow_self_signed: bool,
        depth: Option<u32>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let leniency = Leniency::new(&roots, allow_self_signed, depth);
        OfServers { strict: Some((roots.store, leniency)), name, provider }
    }

    /// Any server.
    pub fn anybody(provider: Arc<CryptoProvider>) -> Self {
        OfServers { strict: None, name: None, provider }
    }
}

impl ServerCertVerifier for OfServers {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some((roots, leniency)) = &self.strict else { return Ok(ServerCertVerified::assertion()) };
        leniency.check_depth(issuers)?;
        let parsed = ParsedCertificate::try_from(certificate)?;
        let known = self.provider.signature_verification_algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(&parsed, roots, issuers, now, known) {
            Err(why) if !leniency.forgives(certificate, &why) => return Err(why),
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
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
