//! The blocking client against plain sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;
use swoosh::client::{Client, ClientConfig, ClientError, Kind, ProxyConfig, Recv};
use swoosh::proto::framing::Framing;
use swoosh::proto::proxy::ProxyFault;

/// Accepts one connection and passes it to `serve`; returns the port.
fn server(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    port
}

fn config() -> ClientConfig {
    ClientConfig { read_timeout: Some(Duration::from_millis(100)), ..ClientConfig::new(Kind::Tcp) }
}

#[test]
fn bytes_of_an_incomplete_packet_survive_a_timeout() {
    let port = server(|mut peer| {
        peer.write_all(b"one\ntw").unwrap();
        let mut wish = [0];
        peer.read_exact(&mut wish).unwrap();
        peer.write_all(b"o\nrest").unwrap();
    });
    let framing = Framing::EofSplit(b"\n".to_vec());
    let mut client = Client::connect(&ClientConfig { framing, ..config() }, "127.0.0.1", port).unwrap();
    assert_eq!(client.recv_packet().unwrap(), b"one\n");
    assert!(client.recv_packet().unwrap_err().is_timeout());
    client.send_all(b"x").unwrap();
    assert_eq!(client.recv_packet().unwrap(), b"two\n");
    assert_eq!(client.recv_packet().unwrap(), b"", "the end of the stream");
}

#[test]
fn a_packet_longer_than_the_limit_is_an_error() {
    let port = server(|mut peer| peer.write_all(&[b'x'; 100]).unwrap());
    let framing = Framing::EofSplit(b"\n".to_vec());
    let wanted = ClientConfig { framing, max_packet: 16, ..config() };
    let mut client = Client::connect(&wanted, "127.0.0.1", port).unwrap();
    assert!(matches!(client.recv_packet(), Err(ClientError::Packet(_))));
}

#[test]
fn bytes_are_peeked_awaited_and_taken_without_waiting() {
    let port = server(|mut peer| {
        peer.write_all(b"abcdef").unwrap();
        let _ = peer.read(&mut [0]);
    });
    let mut client = Client::connect(&config(), "127.0.0.1", port).unwrap();
    assert_eq!(client.recv(3, Recv::Peek).unwrap(), b"abc");
    assert_eq!(client.recv(2, Recv::All).unwrap(), b"ab");
    assert!(client.recv(10, Recv::All).unwrap_err().is_timeout());
    assert_eq!(client.recv(10, Recv::Now).unwrap(), b"cdef", "a timeout loses nothing");
    assert_eq!(client.recv(10, Recv::Now).unwrap_err().code(), 11, "EAGAIN");
}

#[test]
fn a_refused_connection_and_an_unknown_host_have_their_codes() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let code = |host: &str| Client::connect(&config(), host, closed).err().unwrap().code();
    assert_eq!(code("127.0.0.1"), 111, "ECONNREFUSED");
    assert_eq!(code("::1"), 711, "an address of another family");
}

#[test]
fn datagrams_of_any_sender_arrive() {
    let (one, other) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let wanted = ClientConfig { kind: Kind::Udp, ..config() };
    let mut client = Client::connect(&wanted, "127.0.0.1", one.local_addr().unwrap().port()).unwrap();
    client.send_all(b"hello").unwrap();
    let mut buffer = [0; 16];
    let (length, from) = one.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"hello");
    other.send_to(b"stranger", from).unwrap();
    assert_eq!(client.recv(100, Recv::Some).unwrap(), b"stranger");
    assert_eq!(client.peer_addr().unwrap().and_then(|a| a.as_socket()), Some(other.local_addr().unwrap()));
}

#[test]
fn a_proxy_opens_a_tunnel_or_says_why_not() {
    let proxy = |answer: &'static [u8]| {
        let port = server(move |mut peer| {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                peer.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            assert!(request.starts_with(b"CONNECT far.test:80 HTTP/1.1\r\n"));
            peer.write_all(answer).unwrap();
        });
        let host = "127.0.0.1".to_owned();
        let proxy = ProxyConfig { is_socks5: false, host, port, credentials: None, user_agent: "test".into() };
        Client::connect(&ClientConfig { proxy: Some(proxy), ..config() }, "far.test", 80)
    };
    let mut client = proxy(b"HTTP/1.1 200 OK\r\n\r\nhello").unwrap();
    assert_eq!(client.recv(100, Recv::Some).unwrap(), b"hello");
    assert!(matches!(proxy(b"HTTP/1.1 403 No\r\n\r\n"), Err(ClientError::Proxy(ProxyFault::Status(403)))));
}
