//! Lines, rotation, lost lines, and the process-wide log.

use super::file::Log;
use super::logger::Logger;
use super::{Level, LogConfig, LogRotation, enabled, init, reopen, set_level, set_mark};
use crate::role::Role;
use crate::sys::local_time::LocalTime;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::{Duration, UNIX_EPOCH};

fn config(path: &Path) -> LogConfig {
    let rotation = LogRotation::Single;
    LogConfig { file: Some(path.to_owned()), level: 2, rotation, date_format: None, microseconds: false }
}

fn logger(config: &LogConfig) -> Logger {
    let logger = Logger::new();
    *logger.current.write().unwrap() = Some(Arc::new(Log::open(config).unwrap()));
    logger
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_line_has_time_process_severity_and_message() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let logger = logger(&LogConfig { date_format: Some("%Y".into()), ..config(&path) });
    logger.role.store(Role::Worker as u8, Ordering::Relaxed);
    logger.id.store(3, Ordering::Relaxed);
    logger.line(Level::Warning, format_args!("{} things", 2));
    let year = LocalTime::at(SystemTime::now()).to_minute()[0];
    assert_eq!(read(&path), format!("[{year} *{}.3]\tWARNING\t2 things\n", std::process::id()));
}

#[test]
fn microseconds_follow_the_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let logger = logger(&LogConfig { microseconds: true, ..config(&path) });
    logger.line(Level::Info, format_args!("x"));
    let text = read(&path);
    let (date, _) = text.split_once(" @").unwrap();
    assert_eq!(date.len(), "[2026-01-31 12:00:00.123456".len(), "{text}");
    assert_eq!(&date[20..21], ".");
}

#[test]
fn each_rotation_names_its_file_after_its_period() {
    let now = LocalTime::at(UNIX_EPOCH + Duration::from_secs(1_769_860_800));
    let whole = now.format("%Y%m%d%H%M");
    for (rotation, length) in [
        (LogRotation::Single, 0),
        (LogRotation::Monthly, 6),
        (LogRotation::Daily, 8),
        (LogRotation::Hourly, 10),
        (LogRotation::EveryMinute, 12),
    ] {
        assert_eq!(rotation.period(&now), whole[..length]);
    }
}

#[test]
fn a_new_period_has_a_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let logger = logger(&LogConfig { rotation: LogRotation::Monthly, ..config(&path) });
    let month = LocalTime::at(SystemTime::now()).format("%Y%m");
    let stale = Log::open(&config(&dir.path().join("old"))).unwrap();
    *logger.current.write().unwrap() = Some(Arc::new(Log {
        path: Some(path.clone()),
        rotation: LogRotation::Monthly,
        period: "200001".into(),
        ..stale
    }));
    logger.line(Level::Info, format_args!("new"));
    assert!(read(format!("{}.{month}", path.display())).ends_with("new\n"));
    assert_eq!(read(dir.path().join("old")), "");
    assert!(!path.exists());
}

#[test]
fn a_full_disk_is_reported_once_and_lost_lines_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str| File::create_new(dir.path().join(name)).unwrap();
    let (full, good, fallback) = (File::options().write(true).open("/dev/full").unwrap(), open("a"), open("b"));
    let logger = Logger::new();
    for line in ["one\n", "two\n", "three\n"] {
        logger.deliver(full.as_fd(), fallback.as_fd(), "[h]", line);
    }
    let reported = read(dir.path().join("b"));
    assert!(reported.starts_with("[h]\tERROR\twrite log file: No space left on device"), "{reported}");
    assert!(reported.ends_with("\none\n") && reported.lines().count() == 2, "{reported}");
    logger.deliver(good.as_fd(), fallback.as_fd(), "[h]", "four\n");
    logger.deliver(good.as_fd(), fallback.as_fd(), "[h]", "five\n");
    let wanted = "[h]\tWARNING\t3 log lines lost\nfour\nfive\n";
    assert_eq!(read(dir.path().join("a")), wanted);
    assert_eq!(read(dir.path().join("b")), reported);
}

#[test]
fn a_line_after_an_incomplete_one_starts_on_its_own_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let logger = logger(&config(&path));
    logger.partial_line.store(true, Ordering::Relaxed);
    logger.line(Level::Info, format_args!("x"));
    assert!(read(&path).starts_with("\n["));
}

#[test]
fn a_lock_that_is_never_released_does_not_block_a_line() {
    let logger = Logger::new();
    let _held = logger.current.write().unwrap();
    logger.line(Level::Info, format_args!("a line of the test for a lock that is never released"));
}

#[test]
fn lines_of_many_threads_never_mix() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let logger = logger(&config(&path));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let logger = &logger;
            scope.spawn(move || (0..200).for_each(|n| logger.line(Level::Info, format_args!("{thread}:{n}"))));
        }
    });
    let text = read(&path);
    assert_eq!(text.lines().count(), 800);
    assert!(text.lines().all(|line| line.matches('[').count() == 1 && line.matches(':').count() == 3));
}

/// There is one process-wide log, so one test covers it.
#[test]
fn the_process_wide_log_has_levels_roles_and_can_be_reopened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    assert!(reopen().is_ok());
    assert!(init(&config(&dir.path().join("no/such/dir"))).unwrap_err().to_string().starts_with("open log file "));

    init(&LogConfig { level: 3, ..config(&path) }).unwrap();
    set_mark(Role::Manager, 0);
    super::debug!("hidden");
    super::info!("hidden");
    super::notice!("noticed {}", 1);
    assert!(read(&path).ends_with(&format!(" ${}.0]\tNOTICE\tnoticed 1\n", std::process::id())));
    assert!(!read(&path).contains("hidden"));

    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    super::warn!("to the old file");
    reopen().unwrap();
    super::error!("to the new file");
    assert!(read(dir.path().join("moved")).ends_with("\tWARNING\tto the old file\n"));
    assert!(read(&path).ends_with("\tERROR\tto the new file\n") && read(&path).lines().count() == 1);

    set_level(6);
    super::error!("hidden");
    assert!(!enabled(Level::Error) && !read(&path).contains("hidden"));
}

#[test]
fn standard_output_follows_the_log_file_only_if_it_is_that_file() {
    use crate::sys::process::{self, Fork};
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::File::create(dir.path().join(name)).unwrap();
    let (old, new, other) = (file("old"), file("new"), file("other"));
    for (output, expected) in [(&old, &new), (&other, &other)] {
        let Fork::Parent(pid) = process::fork().unwrap() else {
            let done = nix::unistd::dup2_stdout(output).is_ok() && {
                super::process::redirect_standard_output(&old, &new);
                nix::unistd::write(std::io::stdout(), b"printed\n").is_ok()
            };
            process::exit_now(i32::from(!done))
        };
        process::wait_for(pid).unwrap();
        assert_eq!(expected.metadata().unwrap().len(), 8);
    }
    assert_eq!(read(dir.path().join("old")), "");
}
