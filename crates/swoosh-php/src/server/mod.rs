//! Engine events to PHP callbacks, and the answers back to the engine.
//!
//! Runs in: the first thread of each server or pool process; PHP never runs in a reactor thread.
//!
//! | module | contents |
//! |---|---|
//! | [`state`] | a server: configuration before `start()`, per-process state afterwards |
//! | [`settings`], [`start`] | from PHP's settings array to a running server |
//! | [`callbacks`] | the registered callbacks, by event |
//! | [`events`] | the engine's event handler |
//! | [`http`] | requests and responses, of servers and of coroutine servers |
//! | [`websocket`] | handshake, frames, connections that coroutines read |
//! | [`redis`] | RESP commands and replies |
//! | [`pool`], [`pool_callbacks`] | process pools |

pub mod callback;
pub mod callbacks;
pub mod classes;
pub mod command_table;
pub mod commands;
pub mod event_objects;
pub mod events;
pub mod http;
pub mod pool;
pub mod pool_callbacks;
pub mod redis;
pub mod send_queues;
pub mod send_yield;
pub mod settings;
pub mod start;
pub mod state;
pub mod task;
pub mod websocket;
