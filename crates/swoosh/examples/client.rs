//! A client of the echo servers: `client PORT` for `echo`, `client PORT CERTIFICATE` for `tls_echo`.

use std::time::Duration;
use swoosh::client::{Client, ClientConfig, ClientError, Kind};
use swoosh::proto::framing::Framing;
use swoosh::tls::ClientTls;

fn main() -> Result<(), ClientError> {
    let arguments: Vec<String> = std::env::args().collect();
    let port = arguments.get(1).and_then(|port| port.parse().ok()).unwrap_or(9501);
    let tls = arguments.get(2).map(|authority| ClientTls {
        verify_peer: true,
        verify_name: Some("localhost".into()),
        server_name: Some("localhost".into()),
        ca_files: vec![authority.into()],
        ..ClientTls::default()
    });
    let config = ClientConfig {
        read_timeout: Some(Duration::from_secs(5)),
        framing: Framing::EofSplit(b"\n".to_vec()),
        tls,
        ..ClientConfig::new(Kind::Tcp)
    };
    let mut client = Client::connect(&config, "127.0.0.1", port)?;
    for word in ["one", "two", "three"] {
        client.send_all(format!("{word}\n").as_bytes())?;
        print!("{}", String::from_utf8_lossy(&client.recv_packet()?));
    }
    Ok(())
}
