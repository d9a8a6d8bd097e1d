//! Pools and processes without a server: messages, ends, replacements, and no leftovers.

mod common;

use common::{TIMEOUT, example, kill, wait_until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use swoosh::sys::message_queue::MessageQueue;
use swoosh::sys::process::is_alive;

/// A running test program.
struct Running {
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    fn start(arguments: &[&str]) -> Running {
        let mut command = Command::new(example("testpool"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("the testpool example is built");
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (lines, own) = (BufReader::new(child.stdout.take().unwrap()).lines(), printed.clone());
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).for_each(|l| own.lock().unwrap().push(l)));
        Running { child, printed, reader: Some(reader) }
    }

    fn printed(&self) -> Vec<String> {
        self.printed.lock().unwrap().clone()
    }

    fn count(&self, part: &str) -> usize {
        self.printed().iter().filter(|line| line.contains(part)).count()
    }

    /// The lines that have `part` in them, once there are so many.
    fn wait_for(&self, part: &str, count: usize) -> Vec<String> {
        let enough = wait_until(TIMEOUT, || self.count(part) >= count);
        assert!(enough, "{part:?} was not printed {count} times: {:?}", self.printed());
        self.printed().into_iter().filter(|line| line.contains(part)).collect()
    }

    fn signal(&self, signal: i32) {
        kill(self.child.id() as i32, signal);
    }

    /// Waits until it has ended, with all its processes; its status.
    fn ended(&mut self) -> Option<i32> {
        let mut status = None;
        assert!(wait_until(TIMEOUT, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        }));
        // Its output ends only when its last process has.
        self.reader.take().unwrap().join().unwrap();
        status.unwrap().code()
    }

    fn end(mut self) -> Vec<String> {
        self.signal(libc::SIGTERM);
        assert_eq!(self.ended(), Some(0));
        self.printed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.reader.is_some() {
            kill(-(self.child.id() as i32), libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// The process that a line of a worker's start names.
fn pid_in(line: &str) -> i32 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_pool_starts_and_ends_in_order() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut pool = Running::start(&["sleep", "3"]);
        pool.wait_for("start 0", 3);
        pool.signal(signal);
        assert_eq!(pool.ended(), Some(0));
        let lines = pool.printed();
        assert_eq!((lines.first().unwrap().as_str(), lines.last().unwrap().as_str()), ("start", "shutdown"));
        assert_eq!((lines.len(), pool.count("stop 0")), (8, 3), "{lines:?}");
    }
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let pool = Running::start(&["sleep", "2"]);
    let first = pid_in(&pool.wait_for("worker 1 start 0", 1)[0]);
    pool.wait_for("start", 3);
    kill(first, libc::SIGKILL);
    let second = pid_in(&pool.wait_for("worker 1 start 1", 1)[0]);
    assert!(first != second && !is_alive(first));
    let lines = pool.end();
    assert!(!is_alive(second));
    assert_eq!(lines.iter().filter(|line| line.contains("worker 0 start")).count(), 1);
}

#[test]
fn a_worker_that_fails_at_startup_is_started_with_growing_pauses() {
    let pool = Running::start(&["startup_failures", "1"]);
    pool.wait_for("start 3", 1);
    let start = Instant::now();
    // 0, 0, 100, 200, 400, 800 ms: at a storm's pace there would be hundreds.
    std::thread::sleep(Duration::from_millis(700));
    assert!(pool.count("worker 0 start") <= 8, "{:?} after {:?}", pool.printed(), start.elapsed());
    pool.end();
}

#[test]
fn workers_that_return_at_once_do_not_cause_a_fork_storm() {
    let pool = Running::start(&["return", "1"]);
    pool.wait_for("stop 4", 1);
    let before = pool.count("worker 0 start");
    std::thread::sleep(Duration::from_millis(500));
    let more = pool.count("worker 0 start") - before;
    assert!((1..=12).contains(&more), "{more} starts in 500 ms");
    pool.end();
}

#[test]
fn a_worker_that_never_ends_is_killed() {
    let mut pool = Running::start(&["ignores_signals", "2"]);
    pool.wait_for("start 0", 2);
    let start = Instant::now();
    pool.signal(libc::SIGTERM);
    assert_eq!(pool.ended(), Some(0));
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
    assert_eq!((pool.count("stop"), pool.count("shutdown")), (0, 1));
}

#[test]
fn a_reload_replaces_each_worker_once_and_one_at_a_time() {
    for signal in [libc::SIGUSR1, libc::SIGUSR2] {
        let pool = Running::start(&["socket", "3"]);
        pool.wait_for("start 0", 3);
        pool.signal(signal);
        pool.wait_for("start 1", 3);
        std::thread::sleep(Duration::from_millis(50));
        let lines = pool.end();
        let mut away = 0;
        for line in lines.iter().filter(|line| line.contains(" stop 0") || line.contains(" start 1")) {
            away += if line.contains("stop") { 1 } else { -1 };
            assert!((0..=1).contains(&away), "{lines:?}");
        }
        assert_eq!(lines.iter().filter(|line| line.contains("start 2")).count(), 0);
    }
}

#[test]
fn a_panic_ends_its_worker_only() {
    let pool = Running::start(&["panic", "2"]);
    pool.wait_for("start 1", 2);
    assert_eq!(pool.end().last().unwrap(), "shutdown");
}

#[test]
fn workers_of_a_killed_supervisor_end() {
    let mut pool = Running::start(&["sleep", "2"]);
    pool.wait_for("start 0", 2);
    pool.signal(libc::SIGKILL);
    assert_eq!(pool.ended(), None);
}

#[test]
fn a_detached_worker_is_replaced_and_goes_on() {
    let mut pool = Running::start(&["detach", "1", "400"]);
    pool.wait_for("start 1", 1);
    assert_eq!(pool.count("detached is done"), 0);
    pool.signal(libc::SIGTERM);
    // Its output ends when the detached one has ended too, which the pool does not wait for.
    assert_eq!(pool.ended(), Some(0));
    assert_eq!(pool.count("detached is done"), 1);
}

#[test]
fn workers_send_to_each_other_and_long_messages_only_by_the_bus() {
    for bus in ["0", "1"] {
        let pool = Running::start(&["unix", "2", bus]);
        pool.wait_for("worker 1 message hello", 1);
        pool.wait_for("no worker 9: true", 1);
        if bus == "1" {
            pool.wait_for("long true", 1);
            pool.wait_for("worker 1 message 1048576 bytes", 1);
        } else {
            pool.wait_for("long false", 1);
        }
        pool.end();
    }
}

#[test]
fn each_message_of_a_queue_goes_to_one_free_worker() {
    let key = 0x5301_0000 | (std::process::id() as i32 & 0xFFFF);
    let queue = MessageQueue::open(key).unwrap();
    let pool = Running::start(&["queue", "2", &key.to_string()]);
    for n in 0..50 {
        assert!(queue.send(1 + n % 3, format!("number {n}.").as_bytes(), true).unwrap());
    }
    pool.wait_for("message number", 50);
    assert!((0..50).all(|n| pool.count(&format!("number {n}.")) == 1));
    // A message that kills its worker is delivered once.
    assert!(queue.send(1, b"exit", true).unwrap() && queue.send(1, b"after", true).unwrap());
    pool.wait_for("message after", 1);
    pool.wait_for("start 1", 1);
    let lines = pool.end();
    assert_eq!(lines.iter().filter(|line| line.contains(" stop ")).count(), 2, "{lines:?}");
    queue.remove().unwrap();
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// Sends one message and gives all that comes back.
fn ask(port: u16, message: &[u8]) -> Vec<u8> {
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.set_read_timeout(Some(TIMEOUT)).unwrap();
    client.write_all(&frame(message)).unwrap();
    let mut reply = Vec::new();
    let _ = client.read_to_end(&mut reply);
    reply
}

#[test]
fn clients_get_replies_regardless_of_other_clients() {
    let mut pool = Running::start(&["socket", "1"]);
    let port = pool.wait_for("port", 1)[0][5..].parse().unwrap();
    assert_eq!(ask(port, b"hello"), frame(b"you said hello"));
    // One that says half of it and stalls, one that goes, one that sends byte by byte, one that wants too much.
    let mut stalls = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stalls.write_all(&frame(b"never")[..6]).unwrap();
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    let mut slow = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for byte in frame(b"slowly") {
        slow.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(ask(port, &[b'x'; 1001]), b"");
    assert_eq!(ask(port, &[b'x'; 1000]).len(), 4 + 9 + 1000);
    assert_eq!(ask(port, b""), frame(b"you said "));
    let mut reply = Vec::new();
    slow.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, frame(b"you said slowly"));
    // A worker that dies of a message takes that connection only.
    assert_eq!(ask(port, b"exit"), b"");
    pool.wait_for("start 1", 1);
    assert_eq!(ask(port, b"again"), frame(b"you said again"));
    // The one that stalled was with the worker that died.
    let mut rest = Vec::new();
    let _ = stalls.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    ask(port, b"shutdown");
    assert_eq!(pool.ended(), Some(0));
}

#[test]
fn clients_that_connected_before_the_end_are_answered() {
    let mut pool = Running::start(&["socket", "1"]);
    let port = pool.wait_for("port", 1)[0][5..].parse().unwrap();
    let slow = std::thread::spawn(move || ask(port, b"slow"));
    pool.wait_for("message slow", 1);
    pool.signal(libc::SIGTERM);
    assert_eq!(slow.join().unwrap(), frame(b"you said slow"));
    assert_eq!(pool.ended(), Some(0));
    assert_eq!(pool.count("stop 0"), 1);
}

#[test]
fn a_pool_listens_at_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pool.sock");
    let pool = Running::start(&["path", "2", path.to_str().unwrap()]);
    pool.wait_for("start 0", 2);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(&frame(b"hello")).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut reply = Vec::new();
    client.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, frame(b"you said hello"));
    pool.end();
}

#[test]
fn processes_have_pipes_and_end_with_a_status() {
    let mut run = Running::start(&["processes"]);
    assert_eq!(run.ended(), Some(0));
    let wanted = [
        "Stream \"ping\" alive true",
        "Stream signal 9",
        "Datagram \"ping\" alive true",
        "Datagram signal 9",
        "exit 5",
        "panic 101",
        "exec true",
        "program 8",
        "hello, said the child",
    ];
    assert_eq!(run.printed(), wanted);
}

#[test]
fn five_thousand_children_leave_neither_zombies_nor_descriptors() {
    let mut run = Running::start(&["many", "5000"]);
    assert_eq!(run.ended(), Some(0));
    assert_eq!(run.printed(), ["children left false", "descriptors few true"]);
}
