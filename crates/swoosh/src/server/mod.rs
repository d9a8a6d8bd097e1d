//! The server as programs in Rust build it; see [`Server`].

mod builder;

pub use crate::handler::Outcome;
pub use crate::process::{ServerBuilder, launch};
pub use builder::Server;
