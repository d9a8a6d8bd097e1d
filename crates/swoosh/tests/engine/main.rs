//! The engine over real sockets: a test server as a program, and clients that check its behaviour.

#[path = "../common/mod.rs"]
mod common;

mod connections;
mod dispatch;
mod lifecycle;
mod tasks;
