//! WebSocket (RFC 6455): servers' connections in [`dispatch`], those that coroutines read in [`connection`].

pub mod connection;
pub mod dispatch;
pub mod frame;
