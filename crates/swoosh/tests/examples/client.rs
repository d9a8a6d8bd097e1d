//! Starting an example, and a client for it.

use crate::common::{TIMEOUT, example, kill, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A running example, in a process group of its own.
pub(crate) struct Example {
    pub(crate) child: Child,
    pub(crate) port: u16,
    /// The lines printed so far.
    printed: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Example {
    /// Starts an example that listens, and waits until it has printed how to use it.
    pub(crate) fn start(name: &str, more: &[&str]) -> Example {
        let mut example = Self::spawn(name, more);
        let first = example.wait_for("on 127.0.0.1:", 1).remove(0);
        example.port = first.rsplit(':').next().unwrap().parse().unwrap();
        let next = example.wait_for("type next", 1).remove(0);
        assert!(next.replace("127.0.0.1:", "127.0.0.1 ").contains(&format!("127.0.0.1 {}", example.port)), "{next:?}");
        example.wait_for("Ctrl+C", 1);
        example
    }

    /// Starts an example that does not listen.
    pub(crate) fn spawn(name: &str, more: &[&str]) -> Example {
        let mut command = Command::new(example(name));
        command.arg("0").args(more).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().unwrap();
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (lines, own) = (BufReader::new(child.stdout.take().unwrap()).lines(), printed.clone());
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).for_each(|l| own.lock().unwrap().push(l)));
        Example { child, port: 0, printed, reader: Some(reader) }
    }

    /// Waits for `count` lines that contain `part`.
    pub(crate) fn wait_for(&self, part: &str, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        let enough = wait_until(TIMEOUT, || {
            found = self.printed.lock().unwrap().iter().filter(|l| l.contains(part)).cloned().collect();
            found.len() >= count
        });
        assert!(enough, "{part:?} was not printed {count} times: {:?}", self.printed.lock().unwrap());
        found
    }

    /// Connects to the example's port.
    pub(crate) fn connect(&self) -> Lines {
        let mut stream = None;
        assert!(wait_until(TIMEOUT, || {
            stream = TcpStream::connect(("127.0.0.1", self.port)).ok();
            stream.is_some()
        }));
        let stream = stream.unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Lines(BufReader::new(stream))
    }

    /// Sends SIGINT and checks that the example ends in order, with all its processes.
    pub(crate) fn stop(mut self) {
        kill(self.child.id() as i32, libc::SIGINT);
        let mut status = None;
        assert!(wait_until(TIMEOUT, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        }));
        assert_eq!(status.unwrap().code(), Some(0));
        // The pipe is closed when the last process has ended.
        self.reader.take().unwrap().join().unwrap();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        if self.reader.is_some() {
            kill(-(self.child.id() as i32), libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// A client that sends and receives lines.
pub(crate) struct Lines(pub(crate) BufReader<TcpStream>);

impl Lines {
    pub(crate) fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub(crate) fn next(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.next()
    }
}

/// A connection to a server that may not listen yet.
pub(crate) async fn connect(port: u16) -> tokio::net::TcpStream {
    let start = std::time::Instant::now();
    loop {
        match tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => return stream,
            Err(e) if start.elapsed() > TIMEOUT => panic!("no connection to port {port}: {e}"),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    }
}
