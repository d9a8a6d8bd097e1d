//! Handshakes: sessions, versions, certificates of servers and clients, ALPN, OpenSSL as a client.

use crate::authority::{Authority, connect, greet};
use crate::common::{Client, MODES, Server, TIMEOUT, wait_until};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::HandshakeKind;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_session_is_resumed_by_any_worker_and_after_a_reload() {
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
fn only_the_configured_versions_are_accepted() {
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
fn the_certificate_depends_on_the_requested_name() {
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
fn clients_need_a_certificate_of_a_trusted_authority() {
    let authority = Authority::new();
    let untrusted = Authority::new();
    authority.certify("me", "client");
    untrusted.certify("me", "client");
    for mode in MODES {
        let server = authority.start(&[mode, "client_ca=@ca.pem"]);
        greet(connect(&server, &Arc::new(authority.config_with("me")), "localhost")).unwrap();
        assert!(greet(connect(&server, &Arc::new(authority.config()), "localhost")).is_err(), "{mode}");
        fs::copy(untrusted.path("me.pem"), authority.path("untrusted.pem")).unwrap();
        fs::copy(untrusted.path("me.key"), authority.path("untrusted.key")).unwrap();
        let untrusted_client = Arc::new(authority.config_with("untrusted"));
        assert!(greet(connect(&server, &untrusted_client, "localhost")).is_err(), "{mode}");
        assert!(wait_until(TIMEOUT, || server.log().matches("no TLS handshake:").count() == 2), "{mode}");
        server.wait_for_event("close");
        assert!(server.log().contains("peer has sent no certificate"), "{}", server.log());
        assert!(server.log().contains("the certificate of the peer is refused"), "{}", server.log());
        assert_eq!((server.count("connect"), server.count("close")), (1, 1));
    }
}

#[test]
fn self_signed_client_certificates_can_be_allowed() {
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
fn the_length_of_a_client_chain_can_be_limited() {
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
fn http_is_negotiated_by_alpn_and_plain_http_gets_400() {
    let authority = Authority::new();
    for mode in MODES {
        let server = authority.start(&[mode, "framing=http"]);
        let mut config = authority.config();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut tls = connect(&server, &Arc::new(config), "localhost");
        tls.write_all(b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        tls.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("GET /1 0"), "{mode}: {answer:?}");
        assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));

        let mut plain = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        plain.set_read_timeout(Some(TIMEOUT)).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        plain.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{mode}: {answer:?}");
        assert!(answer.ends_with("\r\n\r\nThis port speaks HTTPS: HTTP over TLS"), "{answer:?}");
        assert!(wait_until(TIMEOUT, || server.log().contains("plain HTTP on a TLS port")), "{mode}");

        let mut refused = connect(&server, &Arc::new(authority.config()), "localhost");
        refused.write_all(b"broken\r\n\r\n").unwrap();
        answer.clear();
        refused.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{mode}: {answer:?}");
    }
}

#[test]
fn a_failed_or_unfinished_handshake_closes_only_its_connection() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "handshake=700"]);
        let mut good = Client::over(connect(&server, &config, "localhost"));
        assert_eq!(good.ask("echo 1"), "1");
        for bytes in [&b"nonsense that is no record of TLS"[..], &[0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9], &[0xFF; 5000]] {
            let mut bad = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
            bad.set_read_timeout(Some(TIMEOUT)).unwrap();
            bad.write_all(bytes).unwrap();
            // An alert may come first, and a reset takes the place of the end where bytes were left unread.
            let _ = bad.read_to_end(&mut Vec::new());
        }
        assert!(wait_until(TIMEOUT, || server.log().matches("no TLS handshake:").count() == 3), "{}", server.log());
        let began = Instant::now();
        let mut silent = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        silent.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut half = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        half.set_read_timeout(Some(TIMEOUT)).unwrap();
        half.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
        for stream in [&mut silent, &mut half] {
            let _ = stream.read_to_end(&mut Vec::new());
        }
        assert!(began.elapsed() >= Duration::from_millis(600), "{mode}");
        assert!(wait_until(TIMEOUT, || server.log().matches("timeout after 0.7 seconds").count() == 2));
        assert!(wait_until(TIMEOUT, || good.ask("connections") == "1"), "{mode}: something is left of them");
        assert_eq!((server.count("connect"), server.count("close")), (1, 0), "{mode}: they are not reported");
    }
}

#[test]
fn a_connection_is_reported_after_its_handshake() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let mut server = authority.start(&[mode, "workers=1"]);
        let mut good = Client::over(connect(&server, &config, "localhost"));
        let own = good.who().session;
        let mut shaking = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
        assert!(wait_until(TIMEOUT, || good.ask("connections") == "2"), "{mode}");
        assert_eq!(good.ask("list"), own.to_string(), "{mode}");
        let reported = good.ask(format!("send_other {} x", own + 1));
        assert!(reported.contains("TLS is not agreed upon yet"), "{mode}: {reported}");
        let reported = good.ask(format!("close_other {}", own + 1));
        assert!(reported.contains("TLS is not agreed upon yet"), "{mode}: {reported}");
        assert!(server.stop().success(), "{mode}");
        shaking.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut rest = Vec::new();
        let _ = shaking.read_to_end(&mut rest);
        assert_eq!((rest.len(), server.count("connect")), (0, 1), "{mode}");
    }
}

#[test]
fn renewed_certificates_need_no_restart_and_invalid_ones_change_nothing() {
    let authority = Authority::new();
    authority.certify("next", "next.example");
    let config = Arc::new(authority.config());
    for mode in MODES {
        authority.certify("cert", "localhost");
        let server = authority.start(&[mode]);
        let mut old = Client::over(connect(&server, &config, "localhost"));
        assert_eq!(old.ask("echo 1"), "1");
        fs::write(authority.path("cert.key"), "nonsense").unwrap();
        let reported = || {
            greet(connect(&server, &config, "localhost")).unwrap();
            server.log().contains("the previous ones stay in use: read the private key of")
        };
        assert!(wait_until(TIMEOUT, reported), "{mode}: {}", server.log());
        for end in ["key", "pem"] {
            fs::copy(authority.path(&format!("next.{end}")), authority.path(&format!("cert.{end}"))).unwrap();
        }
        let is_new = || greet(connect(&server, &config, "next.example")).is_ok();
        assert!(wait_until(TIMEOUT, is_new), "{mode}: {}", server.log());
        assert_eq!(old.ask("echo 2"), "2");
    }
}

#[test]
fn unusable_files_are_reported_before_the_server_starts() {
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
fn openssl_connects_with_every_type_of_key() {
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
            child
                .stdin
                .as_mut()
                .unwrap()
                .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .unwrap();
            let answer = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&answer.stdout);
            assert!(text.ends_with("GET /x 0"), "{kind} {version}: {text:?}");
        }
        let old = openssl(&["s_client", "-connect", &address, "-tls1_1"], folder).unwrap();
        assert!(!old.0, "{kind}: TLS 1.1 is spoken");
    }
}

/// A private key with a passphrase, judged by its header.
const LOCKED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n-----END ENCRYPTED PRIVATE KEY-----\n";
