//! HPACK (RFC 7541): the coding of header fields, for the server's side of a connection.
//!
//! | module | contains |
//! |---|---|
//! | [`primitive`] | integers, strings, the Huffman code |
//! | [`static_table`] | the fields that both sides know |
//! | [`field`] | kinds of fields, and the faults that a field has by itself |
//! | [`dynamic_table`] | the fields that one side has sent lately |
//! | [`decoder`] | header blocks -> fields |
//! | [`encoder`] | fields -> header blocks |

pub(super) mod decoder;
pub(super) mod dynamic_table;
pub(super) mod encoder;
pub(super) mod field;
pub(super) mod primitive;
mod static_table;
