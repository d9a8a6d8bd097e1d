//! Between the engine and PHP: what user code asked to run, when it runs, and errors both ways.

pub mod commands;
pub mod event_loop;
pub mod fork;
pub mod http;
pub mod http_deadline;
pub mod http_form;
pub mod http_peer;
pub mod http_reading;
pub mod last_error;
pub mod names;
pub mod pool;
pub mod reactor;
pub mod redis;
pub mod resolvers;
pub mod send_yield;
pub mod server;
pub mod server_events;
pub mod server_settings;
pub mod signals;
pub mod timers;
pub mod websocket;
pub mod websocket_talk;
