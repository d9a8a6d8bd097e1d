//! Settings of a front end's callbacks, HTTP, static files and WebSocket.

use super::rows::settings;
use crate::config::embedder::NotARule;
use crate::config::input::Input;
use crate::config::kind::{Kind, U32_MAX};
use crate::config::setting::{Setter, Target};
use crate::config::value::Value;

settings! { CALLBACK in Target::Callback;
    /// Callbacks of workers run in coroutines.
    enable_coroutine: Kind::Bool, "true" => Setter::Embedder(|e, v| v.store(&mut e.callback.coroutine));
    /// Callbacks of task workers run in coroutines, and the task callback gets a `Task` object.
    task_enable_coroutine: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.callback.task_coroutine));
    /// Callbacks get one event object in place of several arguments.
    event_object: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.callback.event_object));
    /// The task callback gets a `Task` object.
    task_object | task_use_object: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.callback.task_object));
    /// A `send` in a coroutine waits while the output buffer is full.
    send_yield: Kind::Bool, "true" => Setter::Embedder(|e, v| v.store(&mut e.callback.send_yield));
    /// The longest such wait. 0: no limit.
    send_timeout: SECONDS, "0" => Setter::Embedder(|e, v| {
        e.callback.send_timeout = v.limit();
        Ok(None)
    });
}

settings! { HELPER in Target::Helper;
    /// The address of the administration interface, `host:port` or `http://TOKEN@host:port`. Without a token it is one of the
    /// loopback interface.
    admin_server: Kind::Text, "none" => Setter::Embedder(|e, v| {
        e.helper.admin_server = v.value.bytes().unwrap_or_default().to_vec();
        Ok(None)
    });
    /// A file that statistics are written to, in JSON.
    stats_file: Kind::Path, "none" => Setter::Embedder(|e, v| {
        e.helper.stats_file = v.value.bytes().unwrap_or_default().to_vec();
        Ok(None)
    });
    /// The interval of writing them.
    stats_timer_interval: Kind::int(1, U32_MAX, "milliseconds"), "1000" => Setter::Embedder(|e, v| {
        let (number, note) = v.clamped();
        e.helper.stats_timer_interval = number as u32;
        Ok(note)
    });
}

settings! { HTTP in Target::Http;
    /// The body of a form is parsed into `$request->post`.
    http_parse_post: Kind::Bool, "true" => Setter::Embedder(|e, v| v.store(&mut e.http.parse_post));
    /// The `Cookie` field is parsed into `$request->cookie`.
    http_parse_cookie: Kind::Bool, "true" => Setter::Embedder(|e, v| v.store(&mut e.http.parse_cookie));
    /// For development: a request whose callback throws is answered with a page that shows the exception, and the worker
    /// continues.
    http_error_page: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.http.error_page));
    /// Files of a form whose names have brackets nest in `$request->files` as in `$_FILES`.
    http_parse_files: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.http.parse_files));
    /// The longest uploaded file; a longer one has error 1. 0: the limit of the request alone.
    upload_max_filesize: Kind::int(0, i64::MAX, "bytes"), "0" => Setter::Embedder(|e, v| {
        let (number, note) = v.clamped();
        e.http.upload_max_filesize = number.unsigned_abs();
        Ok(note)
    });
    /// The time until a response must be complete; 504 is the answer after that. 0: no limit. Not in Swoole.
    request_deadline: Kind::Seconds { min: 0, max: 86_400 }, "0" => Setter::Embedder(|e, v| {
        let mut limit = std::time::Duration::ZERO;
        v.store(&mut limit)?;
        e.http.request_deadline = v.limit();
        Ok(None)
    });
    /// Responses are compressed: gzip, deflate, br or zstd, as the client accepts.
    http_compression: Kind::Bool, "true" => Setter::Embedder(|e, v| v.store(&mut e.http.compression.enabled));
    /// The level of compression; codings other than `br` use at most 9.
    http_compression_level | compression_level | http_gzip_level: Kind::int(1, 11, "a level"), "1" =>
        Setter::Embedder(|e, v| {
            let (number, note) = v.clamped();
            e.http.compression.level = number as u32;
            Ok(note)
        });
    /// A shorter body is not compressed.
    http_compression_min_length | compression_min_length: Kind::int(0, U32_MAX, "bytes"), "20" =>
        Setter::Embedder(|e, v| {
            let (number, note) = v.clamped();
            e.http.compression.min_length = number as usize;
            Ok(note)
        });
    /// Media types that are compressed.
    http_compression_types | compression_types: Kind::Strings, "every type" => Setter::Embedder(|e, v| {
        e.http.compression.types = media_types(v);
        Ok(None)
    });
    /// Files of `document_root` are served.
    enable_static_handler: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.files.enabled));
    /// The directory of static files.
    document_root: Kind::Path, "none" => Setter::Embedder(|e, v| {
        e.files.document_root = v.value.bytes().unwrap_or_default().to_vec();
        Ok(None)
    });
    /// Path prefixes that are served as static files.
    static_handler_locations: Kind::Strings, "every path" => Setter::Embedder(|e, v| {
        e.files.locations = v.strings();
        Ok(None)
    });
    /// Files that are served for a directory.
    http_index_files: Kind::Strings, "none" => Setter::Embedder(|e, v| {
        e.files.index_files = v.strings().iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        Ok(None)
    });
    /// A directory without an index file is listed.
    http_autoindex: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.files.autoindex));
    /// Regular expressions and their targets for paths of static files; the first that matches counts.
    url_rewrite_rules: Kind::Map, "none" => Setter::Embedder(|e, v| {
        e.files.rewrite_rules = match v.value {
            Value::Map(rules) => rules
                .iter()
                .map(|(pattern, target)| match target.bytes() {
                    Some(target) => Ok((pattern.clone(), target.to_vec())),
                    None => Err(NotARule),
                })
                .collect(),
            Value::List(items) => items.iter().map(|_| Err(NotARule)).collect(),
            _ => Vec::new(),
        };
        Ok(None)
    });
}

settings! { WEBSOCKET in Target::Port;
    /// The subprotocol that is selected if a client offers it.
    websocket_subprotocol: Kind::Text, "none" => Setter::Embedder(|e, v| {
        e.websocket.subprotocol = v.value.bytes().map(<[u8]>::to_vec);
        Ok(None)
    });
    /// Ping frames are passed to the message callback.
    open_websocket_ping_frame: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.websocket.ping_frames));
    /// Pong frames are passed to the message callback.
    open_websocket_pong_frame: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.websocket.pong_frames));
    /// Close frames are passed to the message callback.
    open_websocket_close_frame: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.websocket.close_frames));
}

settings! { WEBSOCKET_SERVER in Target::Http;
    /// permessage-deflate, without a window kept between messages.
    websocket_compression: Kind::Bool, "false" => Setter::Embedder(|e, v| v.store(&mut e.websocket.compression));
}

/// Media types in lower case: the values of a list, or the keys of a map whose values are no strings.
fn media_types(input: &Input<'_>) -> Option<Vec<Vec<u8>>> {
    let name = |value: &Value| value.bytes().unwrap_or_default().to_ascii_lowercase();
    match input.value {
        Value::List(types) => Some(types.iter().map(name).collect()),
        Value::Map(types) => {
            let name = |(key, value): &(String, Value)| match value.bytes() {
                Some(name) => name.to_ascii_lowercase(),
                None => key.to_ascii_lowercase().into_bytes(),
            };
            Some(types.iter().map(name).collect())
        }
        _ => None,
    }
}

const SECONDS: Kind = Kind::Seconds { min: 0, max: U32_MAX };
