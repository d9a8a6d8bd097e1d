//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! | module | contains |
//! |---|---|
//! | [`request_framer`] | finds the end of a request; rejects malformed input as strictly as request smuggling requires |
//! | [`request`] | parses a complete request |
//! | [`head_index`] | keeps the positions of a head's parts |
//! | [`body_decoder`] | decodes a request body as it arrives, for bodies that are not kept in memory |
//! | [`conditional`] | evaluates conditional requests and ranges |
//! | [`response_writer`] | encodes responses |
//! | [`response_parser`] | parses responses, for clients |

mod chunked;
mod header_buffer;
mod method;
mod ordinary_head;
mod refusal;
mod request_head;
mod token;

pub mod body_decoder;
pub mod conditional;
pub mod head_index;
pub mod request;
pub mod request_framer;
pub mod response_parser;
pub mod response_writer;

pub use header_buffer::MAX_HEADERS;
pub use method::is_method;
pub use refusal::Refusal;
pub use request_framer::MAX_HEAD;
pub use request_head::MAX_TARGET;
pub use token::{has_token, is_token_byte};
