//! The names of settings, and the nearest one to a misspelt one.

/// Why a right name has no field here; `None` where it is the embedder's to act upon.
pub(super) fn why_not(name: &str) -> Option<&'static str> {
    Some(match name {
        "open_http2_protocol" => "HTTP/2 is not served by this version",
        "bootstrap" | "init_arguments" => "they begin threads, and this engine's workers are processes",
        "debug_mode" | "trace_flags" => "log_level says how much is logged",
        "admin_server" | "stats_file" | "stats_timer_interval" => "this version has no such helper",
        "ssl_dhparam" => "keys are agreed upon over curves only (ssl_ecdh_curve)",
        "ssl_compress" => "compression would give secrets away (CVE-2012-4929)",
        _ => return None,
    })
}

pub(super) fn is_name(name: &str) -> bool {
    [SERVER_NAMES, PORT_NAMES, PROCESS_NAMES].iter().any(|names| names.contains(&name))
}

/// The name most like `name`, if it takes at most three strokes to put right, and fewer than half its messages.
pub(super) fn nearest(name: &str, kinds: &[&[&'static str]]) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if name.len() > LONGEST_MISSPELLING {
        return None;
    }
    let names = kinds.iter().flat_map(|names| names.iter().copied());
    let (strokes, best) =
        names.map(|right| (strokes_between(&name, right), right)).min_by_key(|&(strokes, _)| strokes)?;
    (strokes <= 3 && strokes * 2 < best.len()).then_some(best)
}

/// How many messages must be put in, left out, replaced or swapped with their neighbour to make one word of another
/// (the Damerau-Levenshtein distance, no message moved twice).
pub(super) fn strokes_between(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for i in 0..from.len() {
        let mut row = vec![i + 1; to.len() + 1];
        for j in 0..to.len() {
            let replaced = above[j] + usize::from(from[i] != to[j]);
            row[j + 1] = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j] {
                let swapped: &Vec<usize> = &before;
                row[j + 1] = row[j + 1].min(swapped[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

/// A longer word is not a misspelt name, bytes.
const LONGEST_MISSPELLING: usize = 64;

/// What a server can be set.
pub(super) const SERVER_NAMES: &[&str] = &[
    "bootstrap",
    "buffer_input_size",
    "buffer_output_size",
    "chroot",
    "compression_level",
    "compression_min_length",
    "compression_types",
    "cpu_affinity_ignore",
    "daemonize",
    "discard_timeout_request",
    "dispatch_func",
    "dispatch_mode",
    "document_root",
    "enable_coroutine",
    "enable_delay_receive",
    "enable_reuse_port",
    "enable_static_handler",
    "enable_unsafe_event",
    "event_object",
    "group",
    "heartbeat_check_interval",
    "heartbeat_idle_time",
    "http_autoindex",
    "http_compression",
    "http_compression_level",
    "http_compression_min_length",
    "http_compression_types",
    "http_gzip_level",
    "http_index_files",
    "http_parse_cookie",
    "http_parse_files",
    "http_parse_post",
    "init_arguments",
    "input_buffer_size",
    "max_concurrency",
    "max_conn",
    "max_connection",
    "max_queued_bytes",
    "max_request",
    "max_request_grace",
    "max_wait_time",
    "message_queue_key",
    "open_cpu_affinity",
    "output_buffer_size",
    "pid_file",
    "reactor_num",
    "reload_async",
    "request_deadline",
    "send_timeout",
    "send_yield",
    "single_thread",
    "start_session_id",
    "static_handler_locations",
    "task_enable_coroutine",
    "task_ipc_mode",
    "task_max_request",
    "task_max_request_grace",
    "task_object",
    "task_tmpdir",
    "task_use_object",
    "task_worker_num",
    "upload_max_filesize",
    "upload_tmp_dir",
    "url_rewrite_rules",
    "user",
    "websocket_compression",
    "worker_max_concurrency",
    "worker_num",
];

/// What a port can be set, and a server for all its ports.
pub(super) const PORT_NAMES: &[&str] = &[
    "backlog",
    "buffer_high_watermark",
    "buffer_low_watermark",
    "heartbeat_idle_time",
    "http_body_timeout",
    "http_header_timeout",
    "kernel_socket_recv_buffer_size",
    "kernel_socket_send_buffer_size",
    "max_idle_time",
    "open_eof_check",
    "open_eof_split",
    "open_http2_protocol",
    "open_http_protocol",
    "open_length_check",
    "open_mqtt_protocol",
    "open_redis_protocol",
    "open_tcp_keepalive",
    "open_tcp_nodelay",
    "open_websocket_close_frame",
    "open_websocket_ping_frame",
    "open_websocket_pong_frame",
    "open_websocket_protocol",
    "package_body_offset",
    "package_body_start",
    "package_eof",
    "package_length_func",
    "package_length_offset",
    "package_length_type",
    "package_max_length",
    "slow_consumer",
    "socket_buffer_size",
    "ssl_allow_self_signed",
    "ssl_cafile",
    "ssl_capath",
    "ssl_cert_file",
    "ssl_ciphers",
    "ssl_client_cert_file",
    "ssl_compress",
    "ssl_dhparam",
    "ssl_ecdh_curve",
    "ssl_handshake_timeout",
    "ssl_key_file",
    "ssl_prefer_server_ciphers",
    "ssl_protocols",
    "ssl_sni_certs",
    "ssl_verify_depth",
    "ssl_verify_peer",
    "tcp_defer_accept",
    "tcp_fastopen",
    "tcp_keepcount",
    "tcp_keepidle",
    "tcp_keepinterval",
    "tcp_user_timeout",
    "websocket_subprotocol",
];

/// What a server can be set too, though it concerns the whole process.
pub(super) const PROCESS_NAMES: &[&str] = &[
    "debug_mode",
    "display_errors",
    "dns_server",
    "http2_enable_push",
    "http2_header_table_size",
    "http2_init_window_size",
    "http2_max_concurrent_streams",
    "http2_max_frame_size",
    "http2_max_header_list_size",
    "http2_max_headers",
    "log_date_format",
    "log_date_with_microseconds",
    "log_file",
    "log_level",
    "log_rotation",
    "socket_connect_timeout",
    "socket_dns_timeout",
    "socket_read_timeout",
    "socket_recv_timeout",
    "socket_send_timeout",
    "socket_timeout",
    "socket_write_timeout",
    "trace_flags",
    "aio_core_worker_num",
    "aio_max_idle_time",
    "aio_max_wait_time",
    "aio_worker_num",
    "dns_cache_refresh_time",
    "dns_lookup_random",
    "enable_signalfd",
    "iouring_entries",
    "iouring_flag",
    "iouring_workers",
    "max_thread_num",
    "min_thread_num",
    "socket_dontwait",
    "thread_num",
    "use_async_resolver",
    "wait_signal",
    "c_stack_size",
    "dns_cache_capacity",
    "dns_cache_expire",
    "enable_deadlock_check",
    "enable_preemptive_scheduler",
    "hook_flags",
    "max_coro_num",
    "max_coroutine",
    "name_resolver",
    "stack_size",
    "admin_server",
    "stats_file",
    "stats_timer_interval",
];
