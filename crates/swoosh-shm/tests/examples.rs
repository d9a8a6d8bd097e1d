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
fn counters_survive_a_child_that_is_killed_while_it_holds_the_lock() {
    let expected = "children killed: 1\nrows: 2\ndebits 3001 credits 3001\n";
    for _ in 0..10 {
        assert_eq!(output("counter_table"), expected);
    }
}
