//! The server's side of an HTTP/2 connection (RFC 9113), without I/O.
//!
//! | module | contains |
//! |---|---|
//! | `connection` | [`ServerConnection`]: its state, its end |
//! | `settings` | [`ServerSettings`] |
//! | `event` | [`Event`]: a request, its body, its end |
//! | `receive` | frames of the client -> events |
//! | `input` | where the input is, between two calls |
//! | `check` | violations that the head of a frame shows |
//! | `control` | SETTINGS and WINDOW_UPDATE |
//! | `blocks` | header blocks |
//! | `request` | fields of a request -> the head of an HTTP/1 message |
//! | `send` | responses -> frames, within the windows of the client |
//! | `streams` | the state of each stream |

mod blocks;
mod check;
mod connection;
mod control;
mod event;
mod input;
mod receive;
mod request;
mod send;
mod settings;
mod streams;

pub use connection::ServerConnection;
pub use event::Event;
pub use request::{BodyForm, Workspace};
pub use settings::ServerSettings;
