//! What settings become, and what is refused.

use super::names::strokes_between;
use super::*;
use crate::config::Dispatch;
use std::sync::Arc;

fn text(text: &str) -> Value {
    Value::Str(text.as_bytes().to_vec())
}

fn set(settings: &[(&str, Value)]) -> Result<(ServerConfig, PortConfig)> {
    let (mut server, mut port) = (ServerConfig::default(), PortSettings::new());
    for (name, value) in settings {
        let known = apply_server(&mut server, &mut port, name, value)?;
        assert!(matches!(known, Known::Applied | Known::Adjusted(_)), "{name}: {known:?}");
    }
    let port = port.finish(&server, false)?;
    Ok((server, port))
}

fn refused(name: &str, value: Value) -> String {
    match set(&[(name, value.clone())]) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{name} takes {value}"),
    }
}

fn known(name: &str, value: Value) -> Known {
    apply_server(&mut ServerConfig::default(), &mut PortSettings::new(), name, &value).unwrap()
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
fn what_is_no_number_is_refused_with_name_value_and_range() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let range = format!("a whole number from 1 to {} (processes: 1000 for each core)", 1000 * cores);
    assert_eq!(refused("worker_num", text("abc")), format!("setting worker_num: \"abc\" is refused: {range}"));
    for value in [text(""), text("8M"), text("inf"), text("0x10"), Value::List(vec![]), Value::Float(f64::NAN)] {
        assert!(refused("worker_num", value).ends_with(&range));
    }
    assert!(refused("worker_num", Value::Map(vec![("a".into(), Value::Int(1))])).contains("[a => 1] is refused"));
}

#[test]
fn numbers_out_of_range_are_refused_and_zero_is_the_default_where_it_says_so() {
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
fn a_field_is_refused_in_the_words_its_name_is() {
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
fn aliases_mean_the_same_field() {
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
fn more_connections_than_descriptors_are_lowered_and_told() {
    match known("max_conn", Value::Int(i64::from(u32::MAX) - 1)) {
        Known::Adjusted(text) => assert!(text.starts_with("max_conn is lowered from 4294967294 to "), "{text}"),
        other => assert_eq!((descriptor_limit() >= u32::MAX - 1, other), (true, Known::Applied)),
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
fn length_types_are_letters_of_which_the_first_counts() {
    for message in "cCsSnvlLNV".chars() {
        assert_eq!(known("package_length_type", text(&message.to_string())), Known::Applied);
    }
    for bad in [text("x"), text(""), Value::Int(5)] {
        assert!(refused("package_length_type", bad).ends_with("one of the messages c C s S n v l L N V"));
    }
    assert!(matches!(known("package_length_type", text("NN")), Known::Adjusted(_)));
}

#[test]
fn an_eof_has_one_to_eight_bytes() {
    assert_eq!(known("package_eof", text("12345678")), Known::Applied);
    assert_eq!(
        refused("package_eof", text("123456789")),
        "setting package_eof: \"123456789\" is refused: 1 to 8 bytes"
    );
    assert_eq!(refused("package_eof", text("")), "setting package_eof: \"\" is refused: 1 to 8 bytes");
}

#[test]
fn a_small_package_max_length_is_raised() {
    for small in [0, 10, 65_535] {
        assert!(matches!(known("package_max_length", Value::Int(small)), Known::Adjusted(_)));
        assert_eq!(set(&[("package_max_length", Value::Int(small))]).unwrap().1.package_max_length, 65_536);
    }
    assert_eq!(known("package_max_length", Value::Int(65_536)), Known::Applied);
}

#[test]
fn the_idle_time_is_twice_the_interval_unless_it_is_set() {
    let interval = ("heartbeat_check_interval", Value::Int(5));
    assert_eq!(set(std::slice::from_ref(&interval)).unwrap().1.heartbeat_idle_time, 10);
    assert_eq!(set(&[("heartbeat_idle_time", Value::Int(7)), interval]).unwrap().1.heartbeat_idle_time, 7);
    assert_eq!(set(&[]).unwrap().1.heartbeat_idle_time, 0);
}

#[test]
fn functions_are_taken_where_they_belong_and_nothing_else_is() {
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
    assert_eq!(known("cpu_affinity_ignore", numbers(0)), Known::Applied);
}

#[test]
fn strings_and_paths_are_taken_and_empty_ones_mean_none() {
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
        let told = set(value.clone()).expect_err("it is refused").to_string();
        assert!(told.contains("a number from 0 to 86400 (seconds)"), "{value}: {told}");
    }
}

#[test]
fn every_right_name_is_known_and_left_out_by_null() {
    for name in SERVER_NAMES.iter().chain(PORT_NAMES).chain(PROCESS_NAMES) {
        assert_eq!(known(name, Value::Null), Known::Applied, "{name}");
        let one = apply_server(&mut ServerConfig::default(), &mut PortSettings::new(), name, &Value::Int(1));
        assert!(!matches!(one, Ok(Known::Unknown { .. })), "{name}");
    }
    assert_eq!(known("open_http_protocol", Value::Bool(false)), Known::Applied);
    assert!(matches!(known("open_http2_protocol", Value::Bool(true)), Known::NotYet(_)));
    assert!(matches!(known("ssl_dhparam", text("/a")), Known::NotYet(_)));
    assert_eq!(known("enable_coroutine", Value::Bool(true)), Known::Embedder);
    assert_eq!(known("hook_flags", Value::Int(1)), Known::Embedder);
}

#[test]
fn a_misspelt_name_is_told_with_the_right_one() {
    for (wrong, right) in [
        ("worker_nun", Some("worker_num")),
        ("wroker_num", Some("worker_num")),
        ("Worker_Num", Some("worker_num")),
        ("open_eof_chek", Some("open_eof_check")),
        ("no_such_option", None),
        ("abc", None),
        ("", None),
    ] {
        assert_eq!(known(wrong, Value::Int(1)), Known::Unknown { nearest: right }, "{wrong}");
    }
    let port = apply_port(&mut PortSettings::new(), "worker_num", &Value::Int(1)).unwrap();
    assert_eq!(port, Known::NotYet("it is set for the whole server, not for a port"));
    let port = apply_port(&mut PortSettings::new(), "backlok", &Value::Int(1)).unwrap();
    assert_eq!(port, Known::Unknown { nearest: Some("backlog") });
}

#[test]
fn strokes_are_counted_with_swaps_as_one() {
    assert_eq!(strokes_between("", "abc"), 3);
    assert_eq!(strokes_between("abc", "abc"), 0);
    assert_eq!(strokes_between("acb", "abc"), 1);
    assert_eq!(strokes_between("kitten", "sitting"), 3);
}

#[test]
fn the_table_of_parity_tells_the_truth_of_every_setting() {
    let table = include_str!("../../../../docs/PARITY.md");
    for name in SERVER_NAMES.iter().chain(PORT_NAMES).chain(PROCESS_NAMES) {
        let row = table.lines().find_map(|line| line.strip_prefix(&format!("| `{name}` | ")));
        let state = row.unwrap_or_else(|| panic!("docs/PARITY.md has no row for {name}"));
        let (mut config, mut port) = (ServerConfig::default(), PortSettings::new());
        let has_effect = match apply_server(&mut config, &mut port, name, &Value::Int(1)) {
            Ok(Known::NotYet(_)) => Some(false),
            Ok(Known::Embedder) => None,
            Ok(Known::Unknown { .. }) => panic!("{name} is no name"),
            _ => Some(true),
        };
        let says = !state.starts_with("missing") && !state.starts_with("no effect");
        assert!(has_effect.is_none_or(|has| has == says), "{name}: {state}");
    }
}
