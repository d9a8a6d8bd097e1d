//! Static files of a directory (`document_root`), served without a handler.

#[cfg(not(feature = "http"))]
mod absent;
#[cfg(feature = "http")]
mod lookup;
#[cfg(feature = "http")]
mod path;
mod reply;
#[cfg(feature = "http")]
mod root;
#[cfg(feature = "http")]
mod serve;
#[cfg(feature = "http")]
mod writer;

#[cfg(not(feature = "http"))]
pub use absent::{Files, lookup};
#[cfg(feature = "http")]
pub use lookup::lookup;
pub use reply::{FileReply, Lookup, ReplyPart};
#[cfg(feature = "http")]
pub use root::Files;
#[cfg(feature = "http")]
pub use serve::serve;
