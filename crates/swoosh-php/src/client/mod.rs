//! Talking HTTP as a client, in coroutines: the bytes of requests, the parts of answers. What user code sees of it is
//! `class/http_client`.

pub mod decode;
pub mod form;
pub mod head;
