//! Protocols of a server as parsers, encoders and state machines: bytes in, events out.
//!
//! The crate performs no I/O and reads no clock; whatever depends on them is a parameter. A caller reads bytes from
//! wherever it likes, hands them in, and acts on the events, so every rule is tested without a socket.
//!
//! # Example
//!
//! Frames HTTP requests, however the network has split them:
//!
//! ```
//! use swoosh_proto::framing::{FrameStatus, Framer, Framing};
//!
//! let mut framer = Framer::new();
//! let mut buffer = b"GET / HTTP/1.1\r\nHost: a".to_vec();
//! assert_eq!(framer.next(&Framing::Http, 65_536, &buffer), Ok(FrameStatus::Incomplete(None)));
//!
//! buffer.extend_from_slice(b"\r\n\r\n");
//! assert_eq!(framer.next(&Framing::Http, 65_536, &buffer), Ok(FrameStatus::Complete(buffer.len())));
//! ```
//!
//! # Modules
//!
//! | module | contains |
//! |---|---|
//! | [`framing`] | packets of a connection: by end marker, by length field, or by one of the protocols below |
//! | [`http1`] | HTTP/1: request framer, request and response parsers, response writer, conditional requests |
//! | [`http2`] | HTTP/2: the server's side of a connection with HPACK, control frames of clients, `Upgrade: h2c` |
//! | [`websocket`] | WebSocket: frames, messages, handshake, permessage-deflate |
//! | [`resp`] | the Redis serialization protocol |
//! | [`mqtt`] | packets of MQTT |
//! | [`proxy`] | tunnels through SOCKS5 and HTTP proxies, the client's side |
//!
//! # Features
//!
//! `compression` (default): compressed WebSocket messages, [`websocket::deflate`]. Without it the crate does not depend
//! on `flate2`, and compressed frames are protocol errors.

#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub)]

mod base64;
mod frame_status;
mod peer_fault;

pub mod framing;
pub mod http1;
pub mod http2;
pub mod mqtt;
pub mod proxy;
pub mod resp;
pub mod websocket;

pub use base64::base64;
pub use peer_fault::PeerFault;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
