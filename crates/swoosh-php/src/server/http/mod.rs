//! HTTP: from a request's bytes to the `request` callback, and from a response object to bytes.
//!
//! | module | contents |
//! |---|---|
//! | [`dispatch`] | a request that a worker received, up to its callback |
//! | [`request`], [`server_fields`], [`form`] | the request object: properties, forms, cookies, uploads |
//! | [`response`] | the response object: state, head, end |
//! | [`response_order`] | responses leave in the order of a connection's requests |
//! | [`deadline`] | `request_deadline` |
//! | [`transport`] | where a response is sent: engine connection or coroutine socket |
//! | [`coroutine_connection`], [`request_reader`] | a connection of a coroutine server |
//! | [`settings`] | the settings of HTTP and WebSocket, typed |

pub mod coroutine_connection;
pub mod deadline;
pub mod dispatch;
pub mod field_names;
pub mod form;
pub mod form_limits;
pub mod request;
pub mod request_reader;
pub mod response;
pub mod response_order;
pub mod server_fields;
pub mod settings;
pub mod transport;
