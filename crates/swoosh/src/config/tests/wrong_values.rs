//! Values of the wrong type and out of range, of the engine's settings and of those that front ends read themselves.

use super::{embedder, outcome, text};
use crate::config::*;

#[test]
fn a_value_of_the_wrong_type_is_refused_and_a_clamped_number_is_reported() {
    for (name, wrong) in [
        ("http2_max_frame_size", text("abc")),
        ("http2_init_window_size", Value::List(vec![])),
        ("send_timeout", text("1.5s")),
        ("socket_timeout", text("soon")),
        ("upload_max_filesize", text("12abc")),
        ("http_compression_level", text("x")),
        ("max_coroutine", text("many")),
        ("document_root", Value::List(vec![text("/a")])),
        ("static_handler_locations", text("/a")),
        ("url_rewrite_rules", text("a")),
    ] {
        let error = Settings::default().apply(name, &wrong).expect_err(name).to_string();
        assert!(error.starts_with(&format!("setting {name}: {wrong} is refused: ")), "{error}");
        assert_eq!(embedder(&[(name, wrong)]), EmbedderConfig::default(), "{name}");
    }
    for (name, value, used) in [
        ("http2_max_frame_size", 1, "16384"),
        ("http2_init_window_size", -1, "1"),
        ("http2_max_header_list_size", 1 << 32, "1048576"),
        ("compression_level", 99, "11"),
        ("stats_timer_interval", 0, "1"),
        ("max_coroutine", -4, "0"),
    ] {
        let Outcome::Adjusted(note) = outcome(name, Value::Int(value)) else { panic!("{name}") };
        assert!(note.starts_with(&format!("setting {name}: {value} is out of range, {used} is used: ")), "{note}");
    }
    assert_eq!(outcome("http_index_files", Value::Bool(false)), Outcome::Applied);
}

#[test]
fn settings_that_the_front_end_reads_itself_are_checked_by_type_and_range() {
    for (target, name, wrong) in [
        (Target::Http2Client, "timeout", text("soon")),
        (Target::Http2Client, "timeout", Value::Float(f64::NAN)),
        (Target::Http2Client, "http2_max_frame_size", Value::Int(1)),
        (Target::Http2Client, "bind_port", Value::Int(70_000)),
        (Target::GrpcClient, "timeout", Value::Int(-1)),
        (Target::GrpcClient, "metadata", text("a")),
        (Target::GrpcService, "compression", text("snappy")),
        (Target::GrpcService, "max_message_length", Value::Int(0)),
        (Target::GrpcServer, "worker_num", Value::Int(-1)),
        (Target::GrpcServer, "http2_max_concurrent_streams", Value::Int(0)),
        (Target::GrpcServer, "ssl_cert_file", text("a\0b")),
    ] {
        let error = check(target, name, &wrong).expect_err(name).to_string();
        assert!(error.starts_with(&format!("setting {name}: ")), "{error}");
    }
    for (target, name, nearest) in [
        (Target::Http2Client, "conect_timeout", Some("connect_timeout")),
        (Target::GrpcClient, "tiemout", Some("timeout")),
        (Target::GrpcService, "worker_num", None),
        (Target::GrpcServer, "wroker_num", Some("worker_num")),
    ] {
        assert_eq!(check(target, name, &Value::Int(1)).unwrap(), Outcome::Unknown { nearest }, "{name}");
    }
    assert_eq!(check(Target::GrpcClient, "http2_init_window_size", &Value::Int(1)).unwrap(), Outcome::Applied);
    assert_eq!(check(Target::GrpcClient, "timeout", &Value::Null).unwrap(), Outcome::Applied);
}
