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
fn a_child_receives_files_by_number_in_any_order() {
    let expected = "file 2: second file\nfile 1: first file\nfile 3: not sent\nthe child exited with status 0\n";
    assert_eq!(output("descriptor_passing"), expected);
}
