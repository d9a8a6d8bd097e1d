//! Request methods.

/// Whether the server knows a method: IANA's register, and PURGE, NOTIFY, SUBSCRIBE, UNSUBSCRIBE and SOURCE, which
/// programs use. Case matters (RFC 9110 section 9.1).
///
/// ```
/// assert!(swoosh_proto::http1::is_method("GET") && !swoosh_proto::http1::is_method("get"));
/// ```
pub fn is_method(method: &str) -> bool {
    matches!(method, "GET" | "POST" | "HEAD" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") || METHODS.contains(&method)
}

const METHODS: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];
