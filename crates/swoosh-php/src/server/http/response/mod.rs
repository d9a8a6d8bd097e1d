//! A response, from the object that a callback gets to the bytes that are sent.

mod create;
mod end;
pub mod head;
pub mod state;

pub use create::{
    end_without_body, expect_handshake, for_connection, for_request, is_open, set_deadline, set_deflate, set_head,
};
