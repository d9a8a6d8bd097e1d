//! Settings by name: conversions, ranges, aliases, misspellings, and the documents that list them.

use super::nearest::edit_distance;
use super::server::descriptor_limit;
use super::*;
use crate::error::Result;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod tls;
mod wrong_values;

fn text(text: &str) -> Value {
    Value::from(text)
}

fn set(settings: &[(&str, Value)]) -> Result<(ServerConfig, PortConfig)> {
    let mut all = Settings::default();
    for (name, value) in settings {
        let outcome = all.apply(name, value)?;
        assert!(matches!(outcome, Outcome::Applied | Outcome::Adjusted(_)), "{name}: {outcome:?}");
    }
    let port = all.port.finish(&all.server, false)?;
    Ok((all.server, port))
}

fn refused(name: &str, value: Value) -> String {
    match set(&[(name, value.clone())]) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{name} accepts {value}"),
    }
}

fn outcome(name: &str, value: Value) -> Outcome {
    Settings::default().apply(name, &value).unwrap()
}

fn embedder(settings: &[(&str, Value)]) -> EmbedderConfig {
    let mut embedder = EmbedderConfig::default();
    for (name, value) in settings {
        apply_embedder(&mut embedder, name, value);
    }
    embedder
}

#[test]
fn values_are_converted_as_php_converts_them() {
    for (value, wanted) in [
        (text("3"), 3),
        (text(" 3\n"), 3),
        (text("2.9"), 2),
        (text("1e2"), 100),
        (Value::Bool(true), 1),
        (Value::Float(2.7), 2),
    ] {
        assert_eq!(set(&[("max_request", value)]).unwrap().0.max_request, wanted);
    }
    for (value, wanted) in [
        (text("yes"), true),
        (text("0"), false),
        (text(""), false),
        (Value::Int(2), true),
        (Value::Float(0.0), false),
        (Value::List(vec![]), false),
    ] {
        assert_eq!(set(&[("daemonize", value)]).unwrap().0.daemonize, wanted);
    }
    assert!(set(&[("discard_timeout_request", Value::Null)]).unwrap().0.discard_timeout_request);
}

#[test]
fn an_error_names_setting_value_and_range() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let range = format!("a whole number from 1 to {} (processes: 1000 for each core)", 1000 * cores);
    assert_eq!(refused("worker_num", text("abc")), format!("setting worker_num: \"abc\" is refused: {range}"));
    for value in [text(""), text("8X"), text("inf"), text("0x10"), Value::List(vec![]), Value::Float(f64::NAN)] {
        assert!(refused("worker_num", value).ends_with(&range));
    }
    assert!(refused("worker_num", Value::Map(vec![("a".into(), Value::Int(1))])).contains("[a => 1] is refused"));
}

#[test]
fn numbers_out_of_range_are_refused_and_zero_restores_a_default() {
    for (name, bad) in [
        ("worker_num", vec![-1, 100_000_000]),
        ("task_worker_num", vec![-1, 100_000_000]),
        ("reactor_num", vec![-1, 257, 10_000]),
        ("dispatch_mode", vec![-1, 0, 11, 99]),
        ("task_ipc_mode", vec![0, 4, 9]),
        ("log_level", vec![-1, 7, 99]),
        ("log_rotation", vec![-1, 5]),
        ("max_conn", vec![-1]),
        ("max_connection", vec![-1]),
        ("heartbeat_check_interval", vec![-1]),
        ("heartbeat_idle_time", vec![-1]),
        ("max_wait_time", vec![-1]),
        ("package_max_length", vec![-1, 1 << 32]),
        ("start_session_id", vec![-1, 0]),
        ("backlog", vec![-1, 1 << 31]),
        ("tcp_keepidle", vec![-1, 32_768]),
        ("package_length_offset", vec![-1, 65_536]),
        ("message_queue_key", vec![1 << 32]),
    ] {
        for bad in bad {
            assert!(refused(name, Value::Int(bad)).contains("is refused: a whole number from "));
        }
    }
    let default = ServerConfig::default();
    let zero = ["worker_num", "reactor_num", "max_conn", "output_buffer_size", "backlog", "socket_buffer_size"];
    let (server, port) = set(&zero.map(|name| (name, Value::Int(0)))).unwrap();
    assert_eq!((server.worker_num, server.reactor_num), (default.worker_num, default.reactor_num));
    assert_eq!((server.max_conn, server.output_buffer_size), (default.max_conn, default.output_buffer_size));
    assert_eq!((port.backlog, port.socket_buffer_size), (511, 8 << 20));
}

#[test]
fn a_field_and_its_setting_have_the_same_error() {
    let server = ServerConfig { reactor_num: 257, ..ServerConfig::default() };
    assert_eq!(server.validate().unwrap_err().to_string(), refused("reactor_num", Value::Int(257)));
    let port = PortConfig { tcp_keepcount: 128, ..PortConfig::default() };
    assert_eq!(port.validate().unwrap_err().to_string(), refused("tcp_keepcount", Value::Int(128)));
    let port = PortConfig { framing: Framing::EofSplit(Vec::new()), ..PortConfig::default() };
    assert_eq!(port.validate().unwrap_err().to_string(), refused("package_eof", text("")));
    assert!(PortConfig { backlog: -1, ..PortConfig::default() }.validate().is_err());
    assert!(ServerConfig { worker_num: 0, ..ServerConfig::default() }.validate().is_err());
    ServerConfig::default().validate().unwrap();
    PortConfig::default().validate().unwrap();
}

#[test]
fn aliases_set_the_same_field() {
    for name in ["max_conn", "max_connection"] {
        assert_eq!(set(&[(name, Value::Int(9))]).unwrap().0.max_conn, 9);
    }
    for name in ["output_buffer_size", "buffer_output_size"] {
        assert_eq!(set(&[(name, Value::Int(9))]).unwrap().0.output_buffer_size, 9);
    }
    for name in ["heartbeat_idle_time", "max_idle_time"] {
        assert_eq!(set(&[(name, Value::Int(9))]).unwrap().1.heartbeat_idle_time, 9);
    }
    for name in ["package_body_offset", "package_body_start"] {
        let (_, port) = set(&[("open_length_check", Value::Bool(true)), (name, Value::Int(9))]).unwrap();
        assert!(matches!(port.framing, Framing::Length(length) if length.body_offset == 9));
    }
}

#[test]
fn max_conn_is_lowered_to_the_descriptor_limit() {
    match outcome("max_conn", Value::Int(i64::from(u32::MAX) - 1)) {
        Outcome::Adjusted(text) => assert!(text.starts_with("max_conn is lowered from 4294967294 to "), "{text}"),
        other => assert_eq!((descriptor_limit() >= u32::MAX - 1, other), (true, Outcome::Applied)),
    }
}

#[test]
fn framing_settings_come_in_any_order() {
    let on = |name| (name, Value::Bool(true));
    let eof = ("package_eof", text("|"));
    for (settings, split) in [
        (vec![eof.clone(), on("open_eof_check")], false),
        (vec![on("open_eof_check"), eof.clone()], false),
        (vec![on("open_eof_split"), on("open_eof_check"), eof.clone()], true),
        (vec![on("open_eof_check"), eof.clone(), on("open_eof_split"), on("open_length_check")], true),
    ] {
        match set(&settings).unwrap().1.framing {
            Framing::EofSplit(eof) => assert_eq!((eof.as_slice(), split), (&b"|"[..], true)),
            Framing::EofCheck(eof) => assert_eq!((eof.as_slice(), split), (&b"|"[..], false)),
            _ => panic!("no framing by EOF"),
        }
    }
    assert!(matches!(set(&[eof]).unwrap().1.framing, Framing::None));
    let (_, port) = set(&[
        ("package_length_type", text("n")),
        ("package_length_offset", Value::Int(2)),
        on("open_length_check"),
        ("package_length_func", Value::Func(Callback::Length(Arc::new(|data| data.len() as i64)))),
    ])
    .unwrap();
    let Framing::Length(length) = port.framing else { panic!("no framing by length") };
    assert_eq!((length.kind, length.offset, length.body_offset), (LengthType::U16Be, 2, 4));
    assert_eq!(length.func.map(|func| func(b"abc")), Some(3));
}

#[test]
fn the_first_letter_of_package_length_type_counts() {
    for letter in "cCsSnvlLNV".chars() {
        assert_eq!(outcome("package_length_type", text(&letter.to_string())), Outcome::Applied);
    }
    for bad in [text("x"), text(""), Value::Int(5)] {
        assert!(refused("package_length_type", bad).ends_with("one of the letters c C s S n v l L N V J P"));
    }
    assert!(matches!(outcome("package_length_type", text("NN")), Outcome::Adjusted(_)));
}

#[test]
fn an_eof_has_one_to_eight_bytes() {
    assert_eq!(outcome("package_eof", text("12345678")), Outcome::Applied);
    assert_eq!(
        refused("package_eof", text("123456789")),
        "setting package_eof: \"123456789\" is refused: 1 to 8 bytes"
    );
    assert_eq!(refused("package_eof", text("")), "setting package_eof: \"\" is refused: 1 to 8 bytes");
}

#[test]
fn a_small_package_max_length_is_raised() {
    for small in [0, 10, 65_535] {
        assert!(matches!(outcome("package_max_length", Value::Int(small)), Outcome::Adjusted(_)));
        assert_eq!(set(&[("package_max_length", Value::Int(small))]).unwrap().1.package_max_length, 65_536);
    }
    assert_eq!(outcome("package_max_length", Value::Int(65_536)), Outcome::Applied);
}

#[test]
fn the_idle_time_is_twice_the_interval_unless_it_is_set() {
    let interval = ("heartbeat_check_interval", Value::Int(5));
    assert_eq!(set(std::slice::from_ref(&interval)).unwrap().1.heartbeat_idle_time, 10);
    assert_eq!(set(&[("heartbeat_idle_time", Value::Int(7)), interval]).unwrap().1.heartbeat_idle_time, 7);
    assert_eq!(set(&[]).unwrap().1.heartbeat_idle_time, 0);
}

#[test]
fn function_settings_accept_their_own_function_only() {
    let dispatch = || Value::Func(Callback::Dispatch(Arc::new(|_, _, _| Dispatch::Fallback)));
    assert!(set(&[("dispatch_func", dispatch())]).unwrap().0.dispatch_func.is_some());
    assert!(refused("dispatch_func", text("nope")).contains("\"nope\" is refused: a function of"));
    assert!(refused("package_length_func", dispatch()).contains("a function is refused: a function of the bytes"));
}

#[test]
fn at_least_one_core_must_be_left() {
    let numbers = |n: u32| Value::List((0..n).map(|core| Value::Int(core.into())).collect());
    assert!(refused("cpu_affinity_ignore", numbers(1024)).contains("at least one core"));
    assert!(refused("cpu_affinity_ignore", Value::Int(0)).contains("a list of whole numbers"));
    assert_eq!(outcome("cpu_affinity_ignore", numbers(0)), Outcome::Applied);
}

#[test]
fn empty_strings_and_paths_mean_none() {
    let (server, _) = set(&[
        ("log_file", text("/tmp/a.log")),
        ("pid_file", text("")),
        ("user", text("www")),
        ("message_queue_key", text("5")),
        ("log_date_format", text("%H")),
    ])
    .unwrap();
    assert_eq!(server.log_file, Some(PathBuf::from("/tmp/a.log")));
    assert_eq!((server.pid_file, server.user.as_deref(), server.message_queue_key), (None, Some("www"), 5));
    assert!(refused("slow_consumer", text("wait")).contains("drop or close"));
    assert!(refused("log_file", text("a\0b")).contains("NUL"));
    assert!(refused("user", Value::Str(vec![0xFF])).contains("UTF-8"));
    assert!(refused("task_tmpdir", text("")).contains("a directory"));
}

#[test]
fn seconds_keep_their_fraction_and_their_range() {
    let set = |value: Value| {
        let mut port = PortSettings::new();
        apply_port(&mut port, "http_header_timeout", &value).map(|_| port.config.http_header_timeout)
    };
    for (value, wanted) in [
        (Value::Int(7), 7000),
        (Value::Float(0.25), 250),
        (text(" 1.5 "), 1500),
        (Value::Bool(false), 0),
        (Value::Int(86_400), 86_400_000),
    ] {
        assert_eq!(set(value.clone()).ok(), Some(Duration::from_millis(wanted)), "{value}");
    }
    for value in [Value::Int(-1), Value::Float(-0.1), Value::Float(f64::NAN), Value::Int(86_401), text("soon")] {
        let error = set(value.clone()).expect_err("out of range").to_string();
        assert!(error.contains("a number from 0 to 86400 (seconds)"), "{value}: {error}");
    }
}

#[test]
fn null_leaves_every_setting_alone() {
    for name in settings().flat_map(Setting::names) {
        assert_eq!(outcome(name, Value::Null), Outcome::Applied, "{name}");
        let one = Settings::default().apply(name, &Value::Int(1));
        assert!(!matches!(one, Ok(Outcome::Unknown { .. })), "{name}");
    }
    assert_eq!(outcome("open_http_protocol", Value::Bool(false)), Outcome::Applied);
    assert_eq!(outcome("open_http2_protocol", Value::Bool(true)), Outcome::Applied);
    assert!(matches!(outcome("ssl_dhparam", text("/a")), Outcome::NotSupported(_)));
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = settings().flat_map(Setting::names).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn front_end_settings_are_cast_and_clamped() {
    let e = embedder(&[
        ("enable_coroutine", text("0")),
        ("task_use_object", Value::Int(1)),
        ("send_timeout", text("1.5")),
        ("compression_level", Value::Int(99)),
        ("http_compression_min_length", Value::Int(-5)),
        ("upload_max_filesize", text("12")),
        ("compression_types", Value::List(vec![text("Text/HTML")])),
        ("url_rewrite_rules", Value::Map(vec![("a".into(), text("b")), ("c".into(), Value::Int(1))])),
        ("http_index_files", Value::List(vec![text("index.html"), Value::Int(1)])),
    ]);
    assert!(!e.callback.coroutine && e.callback.task_object);
    assert_eq!(e.callback.send_timeout, Some(Duration::from_millis(1500)));
    assert_eq!((e.http.compression.level, e.http.compression.min_length, e.http.upload_max_filesize), (11, 0, 12));
    assert_eq!(e.http.compression.types, Some(vec![b"text/html".to_vec()]));
    assert_eq!(e.files.rewrite_rules, [Ok(("a".to_owned(), b"b".to_vec())), Err(NotARule)]);
    assert_eq!(e.files.index_files, ["index.html", "1"]);
    let e = embedder(&[
        ("max_coro_num", Value::Int(-3)),
        ("socket_recv_timeout", Value::Int(-1)),
        ("dns_server", text("")),
    ]);
    assert_eq!((e.coroutine.max_coroutine, e.coroutine.socket_read_timeout), (Some(0), Some(-1.0)));
    assert_eq!(e.coroutine.dns_server, Some(None));
    assert!(Settings::default().apply("request_deadline", &Value::Int(-1)).is_err());
}

/// The value that a default of the table stands for; `None` for one in words.
fn documented(default: &str) -> Option<Value> {
    if let "true" | "false" = default {
        return Some(Value::Bool(default == "true"));
    }
    if let Some(quoted) = default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(text(&quoted.replace("\\r\\n", "\r\n")));
    }
    let plain = default.replace(',', "");
    let (number, unit) = plain.split_once(' ').unwrap_or((&plain, ""));
    let scale = match unit {
        "" => 1,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok().map(|number| Value::Int((number * scale).min(i64::from(u32::MAX))))
}

/// Lists the named fields of a struct, and fails to compile where one is missing.
macro_rules! list_fields {
    ($into:expr, $of:expr, $type:path: $($field:ident)*; without $($without:ident)*) => {{
        let $type { $($field,)* $($without: _,)* } = $of;
        $(writeln!($into, "{} {:?}", stringify!($field), $field).unwrap();)*
    }};
}

/// The values of all settings, except for functions.
fn list(settings: &Settings) -> String {
    use std::fmt::Write;
    let mut all = String::new();
    list_fields!(all, &settings.server, ServerConfig:
        reactor_num worker_num task_worker_num dispatch_mode enable_unsafe_event
        discard_timeout_request enable_delay_receive max_form_length single_thread max_conn max_concurrency
        worker_max_concurrency max_queued_bytes max_request max_request_grace task_max_request
        task_max_request_grace reload_on_change reload_on_change_extensions reload_on_change_ignore max_wait_time task_ipc message_queue_key task_queue_bytes task_tmpdir
        input_buffer_size upload_tmp_dir output_buffer_size start_session_id
        heartbeat_check_interval daemonize log_file log_level log_rotation log_date_format
        log_date_with_microseconds pid_file blocking_detection user group chroot open_cpu_affinity cpu_affinity_ignore; without dispatch_func);
    let port = settings.port.finish(&settings.server, false).unwrap();
    list_fields!(all, &port, PortConfig:
        backlog reuse_port package_max_length socket_buffer_size high_watermark low_watermark
        heartbeat_idle_time slow_consumer http_header_timeout http_body_timeout http_require_host tcp_nodelay
        tcp_keepalive tcp_keepidle tcp_keepinterval tcp_keepcount tcp_user_timeout tcp_defer_accept
        tcp_fastopen recv_buffer send_buffer; without framing tls http2);
    list_fields!(all, &settings.port.http2, Http2Config:
        header_table_size max_concurrent_streams init_window_size max_frame_size max_header_list_size max_headers grpc_streams; without);
    list_fields!(all, &settings.port.framing, super::port_settings::FramingBuilder:
        http redis mqtt eof_check eof_split length_check eof length offset body_offset; without func);
    let tls = &settings.port.tls;
    writeln!(all, "tls {tls:?} embedder {:?}", settings.embedder).unwrap();
    all
}

#[test]
fn every_setting_has_the_default_that_is_documented() {
    let (mut compared, mut different) = (0, Vec::new());
    // Settings of coroutines are optional values here; the front end holds their defaults.
    let is_held_here = |setting: &&Setting| setting.not_supported().is_none() && setting.target != Target::Coroutine;
    for setting in settings().filter(is_held_here) {
        let Some(value) = documented(setting.default).filter(|_| !CONTEXTUAL.contains(&setting.name)) else { continue };
        let (mut given, untouched) = (Settings::default(), Settings::default());
        given.apply(setting.name, &value).unwrap_or_else(|e| panic!("{}: {e}", setting.name));
        let (given, untouched) = (list(&given), list(&untouched));
        if given != untouched {
            let lines = given.lines().zip(untouched.lines()).find(|(given, untouched)| given != untouched);
            different.push((setting.name, setting.default, lines.map(|(a, b)| (a.to_owned(), b.to_owned()))));
        }
        compared += 1;
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(compared > 60, "{compared} defaults were compared");
}

#[test]
fn the_documented_defaults_are_those_that_programs_written_for_swoole_expect() {
    for (name, default) in [
        ("reactor_num", "the number of cores, at most 8"),
        ("worker_num", "the number of cores; 1 in base mode"),
        ("task_worker_num", "0"),
        ("dispatch_mode", "2"),
        ("max_request", "0"),
        ("max_wait_time", "3"),
        ("max_connection", "`ulimit -n`, at most 100,000"),
        ("task_ipc_mode", "1"),
        ("task_tmpdir", "`/tmp`"),
        ("task_enable_coroutine", "false"),
        ("reload_async", "true"),
        ("enable_coroutine", "true"),
        ("max_coroutine", "100,000"),
        ("send_yield", "true"),
        ("discard_timeout_request", "true"),
        ("enable_unsafe_event", "false"),
        ("enable_delay_receive", "false"),
        ("enable_reuse_port", "false"),
        ("open_tcp_nodelay", "true"),
        ("open_eof_check", "false"),
        ("open_length_check", "false"),
        ("package_max_length", "2 MiB"),
        ("output_buffer_size", "4 GiB"),
        ("http_parse_post", "true"),
        ("http_parse_cookie", "true"),
        ("http_compression", "true"),
        ("http_compression_level", "1"),
        ("http_compression_min_length", "20"),
        ("websocket_compression", "false"),
        ("open_websocket_close_frame", "false"),
        ("log_level", "2"),
        ("daemonize", "false"),
        ("start_session_id", "1"),
    ] {
        assert_eq!(find(name).unwrap().default, default, "{name}");
    }
    use crate::server::ServerBuilder;
    let cores = std::thread::available_parallelism().unwrap().get() as u32;
    assert_eq!(ServerBuilder::new(Mode::Base).config().worker_num, 1);
    assert_eq!(ServerBuilder::new(Mode::Process).config().worker_num, cores);
}

/// Settings that hold no value until one is given, which stands for the documented default where it is used.
const CONTEXTUAL: [&str; 2] = ["ssl_verify_depth", "log_date_format"];

#[test]
fn the_reference_of_settings_is_up_to_date() {
    let stored = include_str!("../../../../../docs/SETTINGS.md");
    assert!(stored == reference(), "run: cargo run -p swoosh --example settings_reference > docs/SETTINGS.md");
}

#[test]
fn a_misspelt_name_is_reported_with_the_nearest() {
    for (wrong, right) in [
        ("worker_nun", Some("worker_num")),
        ("wroker_num", Some("worker_num")),
        ("Worker_Num", Some("worker_num")),
        ("open_eof_chek", Some("open_eof_check")),
        ("no_such_option", None),
        ("abc", None),
        ("", None),
    ] {
        assert_eq!(outcome(wrong, Value::Int(1)), Outcome::Unknown { nearest: right }, "{wrong}");
    }
    let port = apply_port(&mut PortSettings::new(), "worker_num", &Value::Int(1)).unwrap();
    assert_eq!(port, Outcome::NotSupported("it is set for the whole server, not for a port"));
    let port = apply_port(&mut PortSettings::new(), "backlok", &Value::Int(1)).unwrap();
    assert_eq!(port, Outcome::Unknown { nearest: Some("backlog") });
}

#[test]
fn a_swap_of_neighbours_is_one_edit() {
    assert_eq!(edit_distance("", "abc"), 3);
    assert_eq!(edit_distance("abc", "abc"), 0);
    assert_eq!(edit_distance("acb", "abc"), 1);
    assert_eq!(edit_distance("kitten", "sitting"), 3);
}

#[test]
fn the_parity_table_has_the_state_of_every_setting() {
    let table = include_str!("../../../../../docs/PARITY.md");
    for setting in settings() {
        for name in setting.names() {
            let row = table.lines().find_map(|line| line.strip_prefix(&format!("| `{name}` | ")));
            let state = row.unwrap_or_else(|| panic!("docs/PARITY.md has no row for {name}"));
            let works = !state.starts_with("missing") && !state.starts_with("no effect");
            assert_eq!(setting.not_supported().is_none(), works, "{name}: {state}");
        }
    }
}
