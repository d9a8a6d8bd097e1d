//! The process tree of a server: its CPU time and memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server under measurement: the process that was started and all its descendants. Ended when dropped.
pub struct Tree {
    child: Child,
    /// The port it listens on.
    pub port: u16,
}

impl Tree {
    /// Starts `command` on that core. It prints `port N` once it listens.
    pub fn start(command: &mut Command, core: usize) -> Tree {
        use std::os::unix::process::CommandExt;
        // SAFETY: between fork and exec only one system call is made.
        unsafe {
            command.pre_exec(move || {
                pin(core);
                Ok(())
            })
        };
        let mut child = command.stdout(Stdio::piped()).process_group(0).spawn().unwrap_or_else(|e| {
            panic!("start {command:?}: {e}");
        });
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let port = loop {
            let line = lines.next().unwrap_or_else(|| panic!("{command:?} ended before it listened")).expect("text");
            if let Some(port) = line.strip_prefix("port ") {
                break port.trim().parse().expect("a port number");
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        let tree = Tree { child, port };
        tree.wait_until_it_listens();
        tree
    }

    fn wait_until_it_listens(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "no server on port {}", self.port);
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(200));
    }

    fn pids(&self) -> Vec<u32> {
        let mut pids = vec![self.child.id()];
        let mut at = 0;
        while at < pids.len() {
            let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", pids[at])).unwrap_or_default();
            pids.extend(children.split_whitespace().filter_map(|p| p.parse::<u32>().ok()));
            at += 1;
        }
        pids
    }

    /// CPU time of the tree so far, user and system, in nanoseconds.
    pub fn cpu_nanos(&self) -> u64 {
        self.pids().iter().map(|pid| cpu_of(*pid)).sum()
    }

    /// Proportional set size of the tree in bytes (`Pss` of proc(5)).
    pub fn memory(&self) -> u64 {
        let pss = |pid: &u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find(|l| l.starts_with("Pss:")).unwrap_or_default().to_string();
            line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        self.pids().iter().map(pss).sum()
    }
}

pub fn cpu_of(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

impl Drop for Tree {
    fn drop(&mut self) {
        // SAFETY: kill(2) takes two numbers; the group is the one the child was started in.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}

/// Binds the calling process to a core, if that core exists.
pub fn pin(core: usize) {
    // SAFETY: the set is initialised and outlives the call.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}
