//! Events of the engine to callbacks of PHP, and back.
//!
//! | file | contents |
//! |---|---|
//! | [`state`] | a server: what each of its processes knows of it |
//! | [`settings`], [`start`] | from PHP's settings to a running server |
//! | [`events`] | the engine's events |
//! | `http`, `http_*` | requests and responses of HTTP, of servers and of coroutines |
//! | `websocket`, `websocket_*` | frames and messages |
//! | `redis`, `redis_*` | commands and replies |
//! | [`pool`] | pools of processes |

pub mod callback;
pub mod classes;
pub mod command_table;
pub mod commands;
pub mod events;
pub mod http;
pub mod http_config;
pub mod http_deadline;
pub mod http_form;
pub mod http_order;
pub mod http_peer;
pub mod http_reading;
pub mod http_request;
pub mod http_response;
pub mod pool;
pub mod redis;
pub mod redis_commands;
pub mod redis_reply;
pub mod send_lines;
pub mod send_yield;
pub mod settings;
pub mod start;
pub mod state;
pub mod task;
pub mod values;
pub mod websocket;
pub mod websocket_frame;
pub mod websocket_talk;
