//! RESP, the protocol of Redis: commands in, replies out.

pub mod commands;
pub mod dispatch;
pub mod reply;
