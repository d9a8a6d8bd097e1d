//! Runs the examples as programs and checks their output.

use std::path::PathBuf;
use std::process::Command;

/// The output of an example, which Cargo builds beside this test.
fn output(example: &str) -> String {
    let test: PathBuf = std::env::current_exe().unwrap();
    let program = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(example);
    let output = Command::new(&program).output().unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{example}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn pipelined_requests_are_framed_and_a_malformed_one_is_refused() {
    let expected = "GET /one?x=1 for example.com, body \"\"\n\
        POST /two for example.com, body \"hello\"\n\
        refused with 400: the Host field is not one host\n";
    assert_eq!(output("http_framer"), expected);
}

#[test]
fn frames_become_events() {
    let expected = "fragment\nping: are you there?\nText: Hello\nBinary: \\x01\\x02\\x03\nclose 1000: done\n";
    assert_eq!(output("websocket_frames"), expected);
}
