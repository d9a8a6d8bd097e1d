//! Static files of a directory (`document_root`), served without a handler: by a reactor or by a worker.

#[cfg(not(feature = "http"))]
mod absent;
#[cfg(feature = "http")]
pub mod date;
#[cfg(feature = "http")]
mod lookup;
#[cfg(feature = "http")]
pub mod mime;
#[cfg(feature = "http")]
mod path;
mod reply;
#[cfg(feature = "http")]
mod root;
#[cfg(feature = "http")]
mod writer;

#[cfg(not(feature = "http"))]
pub use absent::{Files, lookup};
#[cfg(feature = "http")]
pub use lookup::lookup;
#[cfg(feature = "http")]
pub use path::percent_decode;
pub use reply::{FileReply, Lookup, ReplyPart};
#[cfg(feature = "http")]
pub use root::Files;
