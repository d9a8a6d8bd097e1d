//! TLS over real sockets, with rustls and OpenSSL as clients.

mod common;

use common::{Client, PATIENCE, Server, Stream, pattern, wait_until};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MODES: [&str; 2] = ["mode=process", "mode=base"];

/// A folder with an authority, and certificates that it vouches for.
struct Authority {
    folder: tempfile::TempDir,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `NAME.pem` and `NAME.key` for a host.
    fn certify(&self, name: &str, host: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_string()]).unwrap();
        let certificate = params.signed_by(&key, &self.certificate, &self.key).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
    }

    fn start(&self, more: &[&str]) -> Server {
        Server::start(&self.arguments(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let pair = ["cert=cert.pem", "key=cert.key"];
        let folder = self.folder.path().display().to_string();
        let whole = |a: &&str| a.replace("@", &format!("{folder}/"));
        let own = pair.iter().map(|a| a.replacen('=', &format!("={folder}/"), 1));
        own.chain(more.iter().map(whole)).collect()
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    /// A client that shows a certificate.
    fn config_with(&self, name: &str) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = CertificateDer::pem_file_iter(self.path(&format!("{name}.pem"))).unwrap().map(Result::unwrap);
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
        builder.with_root_certificates(roots).with_client_auth_cert(chain.collect(), key).unwrap()
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Stream for Tls {
    fn half_close(&mut self) {
        self.conn.send_close_notify();
        self.conn.complete_io(&mut self.sock).map(drop).unwrap_or(());
    }
    fn patience(&self, patience: Duration) {
        self.sock.set_read_timeout(Some(patience)).unwrap();
    }
}

fn connect(server: &Server, config: &Arc<ClientConfig>, name: &str) -> Tls {
    let socket = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    let name = ServerName::try_from(name.to_string()).unwrap();
    StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), socket)
}

/// Shakes hands, and asks something, since a server's refusal may come behind the handshake only.
fn greet(mut tls: Tls) -> Result<Tls, String> {
    let packet = b"\0\0\0\x07echo hi";
    tls.write_all(packet).map_err(|e| e.to_string())?;
    let mut answer = [0; 6];
    tls.read_exact(&mut answer).map_err(|e| e.to_string())?;
    assert_eq!(&answer, b"\0\0\0\x02hi");
    Ok(tls)
}

#[test]
fn packets_of_every_size_come_and_go() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "package_max=8000000"]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        for size in [0, 1, 100, 16_384, 16_385, 300_000, 3_000_000] {
            let body = pattern(size);
            client.send([b"echo ", &body[..]].concat());
            assert_eq!(client.packet(), body, "{mode}, {size} bytes");
        }
        for n in 0..200 {
            client.send(format!("echo {n}"));
        }
        for n in 0..200 {
            assert_eq!(client.text(), n.to_string());
        }
        let connects = server.wait_for_events("connect", 1).len();
        client.half_close();
        assert!(client.is_closed(), "{mode}: a goodbye is answered");
        server.wait_for_event("close");
        assert_eq!((connects, server.count("close")), (1, 1), "{mode}");
    }
}

#[test]
fn a_packet_in_many_records_and_many_in_one_are_the_same() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut tls = connect(&server, &config, "localhost");
        for byte in b"\0\0\0\x0becho abcdef" {
            tls.write_all(&[*byte]).unwrap();
            tls.flush().unwrap();
        }
        tls.write_all(&b"\0\0\0\x06echo x".repeat(1000)).unwrap();
        let mut answer = [0; 10];
        tls.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\0\0\0\x06abcdef", "{mode}");
        let mut answers = vec![0; 5000];
        tls.read_exact(&mut answers).unwrap();
        assert_eq!(answers, b"\0\0\0\x01x".repeat(1000));
    }
}

#[test]
fn what_was_asked_before_a_goodbye_is_answered_behind_it() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        client.send("echo first");
        client.send([b"echo ", &pattern(500_000)[..]].concat());
        client.half_close();
        assert_eq!(client.text(), "first", "{mode}");
        assert_eq!(client.packet(), pattern(500_000), "{mode}");
        assert!(client.is_closed(), "{mode}");
    }
}

#[test]
fn a_slow_request_is_answered_408_over_tls_too() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "framing=http", "header_timeout=200", "body_timeout=200"]);
        for handover in ["GET / HTT", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"] {
            let mut tls = connect(&server, &config, "localhost");
            tls.write_all(handover.as_bytes()).unwrap();
            let mut answer = String::new();
            tls.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 408 "), "{mode}: {answer:?}");
        }
    }
}

#[test]
fn a_forged_record_ends_its_connection_with_its_cause_in_the_log() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut other = Client::over(connect(&server, &config, "localhost"));
        assert_eq!(other.ask("echo 1"), "1");
        let mut tls = greet(connect(&server, &config, "localhost")).unwrap();
        tls.sock.write_all(&[0x17, 3, 3, 0, 20]).unwrap();
        tls.sock.write_all(&[7; 20]).unwrap();
        assert!(tls.read(&mut [0; 1]).is_err(), "{mode}: an alert tells the client");
        server.wait_for_event("close");
        let told = "is closed: TLS: cannot decrypt peer's message";
        assert!(wait_until(PATIENCE, || server.log().contains(told)), "{mode}: {}", server.log());
        assert_eq!(other.ask("echo 2"), "2", "{mode}");
    }
}

#[test]
fn files_and_last_words_arrive_whole_and_end_with_a_goodbye() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    let file = authority.path("file");
    fs::write(&file, pattern(1_500_000)).unwrap();
    for mode in MODES {
        let server = authority.start(&[mode, "socket_buffer=16000000"]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        client.send(format!("sendfile {} 1000 1000000", file.display()));
        let bytes = client.bytes(1_000_000 + 6);
        assert_eq!(bytes[..1_000_000], pattern(1_500_000)[1000..1_001_000], "{mode}");
        assert_eq!(&bytes[1_000_000..], b"\0\0\0\x02ok");
        client.send([b"echoclose ", &pattern(1_000_000)[..]].concat());
        assert_eq!(client.packet(), pattern(1_000_000));
        // rustls tells an end without a goodbye by an error.
        assert!(client.is_closed(), "{mode}");
    }
}

#[test]
fn a_peer_that_does_not_read_costs_a_bounded_buffer() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "socket_buffer=400000", "high=200000", "low=1000", "kernel_send=65536"]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        for _ in 0..300 {
            client.send("reply 50000");
        }
        server.wait_for_event("buffer_full");
        std::thread::sleep(Duration::from_millis(100));
        // What the buffer holds comes, however long it takes; of the rest, what comes before it is quiet.
        let mut whole = 0;
        while whole < 8 {
            assert_eq!(client.packet_within(Duration::from_secs(20)).unwrap(), pattern(50_000), "{mode}");
            whole += 1;
        }
        while let Ok(packet) = client.packet_within(Duration::from_millis(700)) {
            assert_eq!(packet, pattern(50_000));
            whole += 1;
        }
        server.wait_for_event("buffer_empty");
        client.send("echo on");
        loop {
            let packet = client.packet_within(Duration::from_secs(20)).unwrap();
            if packet == b"on" {
                break;
            }
            assert_eq!(packet, pattern(50_000));
            whole += 1;
        }
        assert!(whole < 300, "{mode}: {whole} answers");
    }
}

#[test]
fn a_session_is_gone_on_with_in_any_worker_and_after_a_reload() {
    let authority = Authority::new();
    for (mode, versions) in [("process", 1), ("process", 2), ("base", 1), ("base", 2)] {
        let server = authority.start(&[&format!("mode={mode}"), "workers=4", &format!("versions={versions}")]);
        let config = Arc::new(authority.config());
        let first = greet(connect(&server, &config, "localhost")).unwrap();
        assert_eq!(first.conn.handshake_kind(), Some(HandshakeKind::Full));
        for n in 0..20 {
            if n == 10 {
                server.signal(libc::SIGUSR1);
                server.wait_for_event("after_reload");
            }
            let next = greet(connect(&server, &config, "localhost")).unwrap();
            assert_eq!(next.conn.handshake_kind(), Some(HandshakeKind::Resumed), "{mode} {versions}, {n}");
        }
    }
}

#[test]
fn versions_are_those_that_were_wanted() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for (versions, wanted) in [
        (1, rustls::ProtocolVersion::TLSv1_2),
        (2, rustls::ProtocolVersion::TLSv1_3),
        (3, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let server = authority.start(&["mode=process", &format!("versions={versions}")]);
        let tls = greet(connect(&server, &config, "localhost")).unwrap();
        assert_eq!(tls.conn.protocol_version(), Some(wanted));
    }
}

#[test]
fn the_certificate_is_that_of_the_name_that_is_asked_for() {
    let authority = Authority::new();
    for (name, host) in [("a", "a.example"), ("star", "*.b.example")] {
        authority.certify(name, host);
    }
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "named=a.example @a.pem @a.key", "named=*.b.example @star.pem @star.key"]);
        // The client takes none that is not for its name.
        for name in ["localhost", "a.example", "www.b.example"] {
            greet(connect(&server, &config, name)).unwrap_or_else(|e| panic!("{mode}, {name}: {e}"));
        }
        assert!(greet(connect(&server, &config, "c.example")).is_err());
    }
}

#[test]
fn clients_show_a_certificate_that_somebody_vouches_for() {
    let authority = Authority::new();
    let stranger = Authority::new();
    authority.certify("me", "client");
    stranger.certify("me", "client");
    for mode in MODES {
        let server = authority.start(&[mode, "client_ca=@ca.pem"]);
        greet(connect(&server, &Arc::new(authority.config_with("me")), "localhost")).unwrap();
        assert!(greet(connect(&server, &Arc::new(authority.config()), "localhost")).is_err(), "{mode}");
        fs::copy(stranger.path("me.pem"), authority.path("strange.pem")).unwrap();
        fs::copy(stranger.path("me.key"), authority.path("strange.key")).unwrap();
        let strange = Arc::new(authority.config_with("strange"));
        assert!(greet(connect(&server, &strange, "localhost")).is_err(), "{mode}");
        assert!(wait_until(PATIENCE, || server.log().matches("no TLS handshake:").count() == 2), "{mode}");
        server.wait_for_event("close");
        assert!(server.log().contains("peer sent no certificates"), "{}", server.log());
        assert!(server.log().contains("invalid peer certificate"), "{}", server.log());
        assert_eq!((server.count("connect"), server.count("close")), (1, 1));
    }
}

#[test]
fn a_certificate_that_vouches_for_itself_can_be_allowed() {
    let authority = Authority::new();
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["own".to_string()]).unwrap();
    // As `openssl req -x509` makes them.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(authority.path("own.pem"), params.self_signed(&own).unwrap().pem()).unwrap();
    fs::write(authority.path("own.key"), own.serialize_pem()).unwrap();
    let config = Arc::new(authority.config_with("own"));
    for (more, good) in [("workers=1", false), ("self_signed=1", true), ("client_ca=@own.pem", true)] {
        let server = authority.start(&["mode=base", "client_ca=@ca.pem", more]);
        assert_eq!(greet(connect(&server, &config, "localhost")).is_ok(), good, "{more}");
    }
}

#[test]
fn the_way_to_the_trusted_issuer_can_be_bounded() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Between");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let between = params.signed_by(&key, &authority.certificate, &authority.key).unwrap();
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["me".to_string()]).unwrap().signed_by(&own, &between, &key).unwrap();
    fs::write(authority.path("me.pem"), leaf.pem() + &between.pem() + &authority.certificate.pem()).unwrap();
    fs::write(authority.path("me.key"), own.serialize_pem()).unwrap();
    let config = Arc::new(authority.config_with("me"));
    for (depth, good) in [("depth=0", false), ("depth=1", true), ("workers=1", true)] {
        let server = authority.start(&["mode=base", "client_ca=@ca.pem", depth]);
        assert_eq!(greet(connect(&server, &config, "localhost")).is_ok(), good, "{depth}");
    }
}

#[test]
fn http_is_agreed_upon_and_plain_http_is_told_where_it_is() {
    let authority = Authority::new();
    for mode in MODES {
        let server = authority.start(&[mode, "framing=http"]);
        let mut config = authority.config();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut tls = connect(&server, &Arc::new(config), "localhost");
        tls.write_all(b"GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        tls.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("GET /1 0"), "{mode}: {answer:?}");
        assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));

        let mut plain = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        plain.set_read_timeout(Some(PATIENCE)).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        plain.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{mode}: {answer:?}");
        assert!(answer.ends_with("\r\n\r\nThis port speaks HTTPS: HTTP over TLS"), "{answer:?}");
        assert!(wait_until(PATIENCE, || server.log().contains("the peer speaks HTTP without TLS")), "{mode}");

        let mut refused = connect(&server, &Arc::new(authority.config()), "localhost");
        refused.write_all(b"broken\r\n\r\n").unwrap();
        answer.clear();
        refused.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{mode}: {answer:?}");
    }
}

#[test]
fn what_is_no_handshake_or_never_ends_one_is_closed_and_nobody_else_is() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "handshake=700"]);
        let mut good = Client::over(connect(&server, &config, "localhost"));
        assert_eq!(good.ask("echo 1"), "1");
        for bytes in [&b"nonsense that is no record of TLS"[..], &[0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9], &[0xFF; 5000]] {
            let mut bad = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
            bad.set_read_timeout(Some(PATIENCE)).unwrap();
            bad.write_all(bytes).unwrap();
            // An alert may come first, and a reset takes the place of the end where bytes were left unread.
            let _ = bad.read_to_end(&mut Vec::new());
        }
        assert!(wait_until(PATIENCE, || server.log().matches("no TLS handshake:").count() == 3), "{}", server.log());
        let began = Instant::now();
        let mut silent = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        silent.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut half = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        half.set_read_timeout(Some(PATIENCE)).unwrap();
        half.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
        for stream in [&mut silent, &mut half] {
            let _ = stream.read_to_end(&mut Vec::new());
        }
        assert!(began.elapsed() >= Duration::from_millis(600), "{mode}");
        assert!(wait_until(PATIENCE, || server.log().matches("is not done after 0.7 seconds").count() == 2));
        assert!(wait_until(PATIENCE, || good.ask("connections") == "1"), "{mode}: something is left of them");
        assert_eq!((server.count("connect"), server.count("close")), (1, 0), "{mode}: nobody hears of them");
    }
}

#[test]
fn a_connection_is_not_seen_before_it_has_shaken_hands() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let mut server = authority.start(&[mode, "workers=1"]);
        let mut good = Client::over(connect(&server, &config, "localhost"));
        let own = good.who().session;
        let mut shaking = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        assert!(wait_until(PATIENCE, || good.ask("connections") == "2"), "{mode}");
        assert_eq!(good.ask("list"), own.to_string(), "{mode}");
        let told = good.ask(format!("send_other {} x", own + 1));
        assert!(told.contains("TLS is not agreed upon yet"), "{mode}: {told}");
        let told = good.ask(format!("close_other {}", own + 1));
        assert!(told.contains("TLS is not agreed upon yet"), "{mode}: {told}");
        assert!(server.stop().success(), "{mode}");
        shaking.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let _ = shaking.read_to_end(&mut rest);
        assert_eq!((rest.len(), server.count("connect")), (0, 1), "{mode}");
    }
}

#[test]
fn new_certificates_need_no_restart_and_bad_ones_change_nothing() {
    let authority = Authority::new();
    authority.certify("next", "next.example");
    let config = Arc::new(authority.config());
    for mode in MODES {
        authority.certify("cert", "localhost");
        let server = authority.start(&[mode]);
        let mut old = Client::over(connect(&server, &config, "localhost"));
        assert_eq!(old.ask("echo 1"), "1");
        fs::write(authority.path("cert.key"), "nonsense").unwrap();
        let told = || {
            greet(connect(&server, &config, "localhost")).unwrap();
            server.log().contains("those of before stay: read the private key of")
        };
        assert!(wait_until(PATIENCE, told), "{mode}: {}", server.log());
        for end in ["key", "pem"] {
            fs::copy(authority.path(&format!("next.{end}")), authority.path(&format!("cert.{end}"))).unwrap();
        }
        let is_new = || greet(connect(&server, &config, "next.example")).is_ok();
        assert!(wait_until(PATIENCE, is_new), "{mode}: {}", server.log());
        assert_eq!(old.ask("echo 2"), "2");
    }
}

#[test]
fn files_that_cannot_be_used_are_named_before_anything_starts() {
    let authority = Authority::new();
    authority.certify("other", "other");
    fs::write(authority.path("empty"), "").unwrap();
    fs::write(authority.path("locked"), LOCKED).unwrap();
    for (more, wanted) in [
        ("cert=@missing", "read the certificates of FOLDER/missing: No such file"),
        ("cert=@empty", "read the certificates of FOLDER/empty: it has none in PEM form"),
        ("key=@empty", "read the private key of FOLDER/empty: it has none in PEM form"),
        ("key=@locked", "read the private key of FOLDER/locked: it has a passphrase"),
        ("key=@other.key", "use the private key of FOLDER/other.key: it is not the key of FOLDER/cert.pem"),
        ("client_ca=@empty", "read the certificates of FOLDER/empty: it has none in PEM form"),
        ("versions=4", "setting ssl_protocols: none is refused"),
        ("cert=", "setting ssl_cert_file: \"\" is refused"),
    ] {
        let arguments = authority.arguments(&["mode=process", more]);
        let mut server = Server::spawn(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(server.wait().code(), Some(3), "{more}");
        let wanted = wanted.replace("FOLDER", &authority.folder.path().display().to_string());
        assert!(server.log().contains(&wanted), "{more}: {}", server.log());
    }
}

#[test]
fn openssl_is_understood_whatever_the_kind_of_key() {
    let openssl = |arguments: &[&str], folder: &Path| {
        let ran = Command::new("openssl").args(arguments).current_dir(folder).stdin(Stdio::null()).output();
        ran.ok().map(|o| (o.status.success(), String::from_utf8_lossy(&o.stdout).into_owned()))
    };
    let authority = Authority::new();
    let folder = authority.folder.path();
    if openssl(&["version"], folder).is_none() {
        return;
    }
    let make = [
        "genrsa -traditional -out pkcs1.key 2048",
        "ecparam -name prime256v1 -genkey -noout -out sec1.key",
        "genpkey -algorithm ed25519 -out pkcs8.key",
    ];
    for (kind, command) in ["pkcs1", "sec1", "pkcs8"].iter().zip(make) {
        assert!(openssl(&command.split(' ').collect::<Vec<_>>(), folder).unwrap().0, "{kind}");
        let (key, cert) = (format!("{kind}.key"), format!("{kind}.pem"));
        let mut sign = vec!["req", "-x509", "-key", &key, "-out", &cert, "-days", "2", "-subj", "/CN=localhost"];
        sign.extend(["-addext", "subjectAltName=DNS:localhost"]);
        assert!(openssl(&sign, folder).unwrap().0, "{kind}");
        let server =
            authority.start(&["mode=process", &format!("cert=@{cert}"), &format!("key=@{key}"), "framing=http"]);
        let address = format!("localhost:{}", server.ports[0]);
        for version in ["-tls1_2", "-tls1_3"] {
            let mut client = Command::new("openssl");
            client.args([
                "s_client",
                "-connect",
                &address,
                "-CAfile",
                &cert,
                "-verify_return_error",
                version,
                "-quiet",
            ]);
            client.args(["-verify_hostname", "localhost", "-no_ign_eof"]).current_dir(folder);
            client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = client.args(["-ign_eof"]).spawn().unwrap();
            child.stdin.as_mut().unwrap().write_all(b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
            let answer = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&answer.stdout);
            assert!(text.ends_with("GET /x 0"), "{kind} {version}: {text:?}");
        }
        let old = openssl(&["s_client", "-connect", &address, "-tls1_1"], folder).unwrap();
        assert!(!old.0, "{kind}: TLS 1.1 is spoken");
    }
}

/// A key with a passphrase, as far as anybody looks.
const LOCKED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n-----END ENCRYPTED PRIVATE KEY-----\n";
