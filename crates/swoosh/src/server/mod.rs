//! The server as programs in Rust build it; see [`Server`].

mod address;
mod builder;
mod http_service;

pub use crate::handler::Outcome;
pub use crate::process::{ServerBuilder, launch};
pub use builder::Server;
#[cfg(feature = "http")]
pub(crate) use http_service::HttpService;
