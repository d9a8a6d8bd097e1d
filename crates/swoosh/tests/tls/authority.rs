//! A certificate authority for the tests, and TLS clients.

use crate::common::{Server, Stream, TIMEOUT};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A folder with an authority, and certificates that it vouches for.
pub(crate) struct Authority {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Test Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let authority = Authority { folder: tempfile::tempdir().unwrap(), certificate, key };
        fs::write(authority.path("ca.pem"), authority.certificate.pem()).unwrap();
        authority.certify("cert", "localhost");
        authority
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `NAME.pem` and `NAME.key` for a host.
    pub(crate) fn certify(&self, name: &str, host: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_string()]).unwrap();
        let certificate = params.signed_by(&key, &self.certificate, &self.key).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
    }

    pub(crate) fn start(&self, more: &[&str]) -> Server {
        Server::start(&self.arguments(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        let pair = ["cert=cert.pem", "key=cert.key"];
        let folder = self.folder.path().display().to_string();
        let whole = |a: &&str| a.replace("@", &format!("{folder}/"));
        let own = pair.iter().map(|a| a.replacen('=', &format!("={folder}/"), 1));
        own.chain(more.iter().map(whole)).collect()
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    /// A client that shows a certificate.
    pub(crate) fn config_with(&self, name: &str) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = CertificateDer::pem_file_iter(self.path(&format!("{name}.pem"))).unwrap().map(Result::unwrap);
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
        builder.with_root_certificates(roots).with_client_auth_cert(chain.collect(), key).unwrap()
    }
}

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Stream for Tls {
    fn half_close(&mut self) {
        self.conn.send_close_notify();
        self.conn.complete_io(&mut self.sock).map(drop).unwrap_or(());
    }
    fn timeout(&self, timeout: Duration) {
        self.sock.set_read_timeout(Some(timeout)).unwrap();
    }
}

pub(crate) fn connect(server: &Server, config: &Arc<ClientConfig>, name: &str) -> Tls {
    let socket = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    socket.set_nodelay(true).unwrap();
    let name = ServerName::try_from(name.to_string()).unwrap();
    StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), socket)
}

/// Completes the handshake with a request: a server may refuse a certificate after the client's handshake.
pub(crate) fn greet(mut tls: Tls) -> Result<Tls, String> {
    let packet = b"\0\0\0\x07echo hi";
    tls.write_all(packet).map_err(|e| e.to_string())?;
    let mut answer = [0; 6];
    tls.read_exact(&mut answer).map_err(|e| e.to_string())?;
    assert_eq!(&answer, b"\0\0\0\x02hi");
    Ok(tls)
}
