//! The test server as a program in a process group of its own, killed at the end of a test, and clients for it.

#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The default limit of every wait.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// The argument of the test server for each process model.
pub const MODES: [&str; 2] = ["mode=process", "mode=base"];

/// A client of the server's first port, with timeouts.
pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.set_write_timeout(Some(TIMEOUT)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Everything that arrives until the connection is closed.
pub fn all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// A running server.
pub struct Server {
    /// The process that called `start`.
    pub child: Child,
    /// Port numbers, in the order of `listen`.
    pub ports: Vec<u16>,
    /// The directory of its files: events, log.
    pub folder: tempfile::TempDir,
}

/// The program of an example.
pub fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("examples").join(name)
}

impl Server {
    /// Starts the test server and waits until it serves.
    pub fn start(arguments: &[&str]) -> Server {
        let server = Self::spawn(arguments).unwrap_or_else(|e| panic!("{e}"));
        server.wait_for_event("start");
        server
    }

    /// Starts the test server; the error is the message that it printed.
    pub fn spawn(arguments: &[&str]) -> Result<Server, String> {
        Self::spawn_in(&[], arguments)
    }

    /// Like [`spawn`](Self::spawn), with further environment variables.
    pub fn spawn_in(environment: &[(&str, &str)], arguments: &[&str]) -> Result<Server, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(example("testserver"));
        command.envs(environment.iter().copied());
        command.arg(format!("events={}", folder.path().join("events").display()));
        command.arg(format!("tmpdir={}", folder.path().display()));
        let at = |a: &&str| a.replace("FOLDER", &folder.path().display().to_string());
        command.args(arguments.iter().map(at));
        if !arguments.iter().any(|a| a.starts_with("workers=")) {
            command.arg("workers=2");
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().expect("the testserver example is built");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(ports) = line.strip_prefix("ports ") else {
            let _ = child.wait();
            return Err(line);
        };
        let ports = ports.split_whitespace().map(|p| p.parse().unwrap()).collect();
        Ok(Server { child, ports, folder })
    }

    /// The events that the server has recorded so far.
    pub fn events(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
        text.lines().map(str::to_string).collect()
    }

    /// The number of events that begin with `start`.
    pub fn count(&self, start: &str) -> usize {
        self.events().iter().filter(|e| e.starts_with(start)).count()
    }

    /// Waits for an event that begins with `start`.
    pub fn wait_for_event(&self, start: &str) -> String {
        self.wait_for_events(start, 1).pop().unwrap()
    }

    /// Waits for `count` events that begin with `start`.
    pub fn wait_for_events(&self, start: &str, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        let enough = wait_until(TIMEOUT, || {
            found = self.events().into_iter().filter(|e| e.starts_with(start)).collect();
            found.len() >= count
        });
        assert!(enough, "{start:?} came {} times, not {count}: {:?}\n{}", found.len(), self.events(), self.log());
        found
    }

    /// The contents of the log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A client of the first port.
    pub fn client(&self) -> Client {
        self.client_of(0)
    }

    /// A client of that port.
    pub fn client_of(&self, port: usize) -> Client {
        Client::tcp(&format!("127.0.0.1:{}", self.ports[port]))
    }

    /// The process that called `start`.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// The running processes of the server's group.
    pub fn processes(&self) -> Vec<i32> {
        group(self.pid()).into_iter().filter(|(_, state)| *state != 'Z').map(|(pid, _)| pid).collect()
    }

    /// The processes of the server's group that have ended and were not reaped.
    pub fn zombies(&self) -> Vec<i32> {
        group(self.pid()).into_iter().filter(|(_, state)| *state == 'Z').map(|(pid, _)| pid).collect()
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    /// Waits for the end of the server.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        let ended = wait_until(TIMEOUT, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "the server did not end: {:?}\n{}", self.events(), self.log());
        status.unwrap()
    }

    /// The process id of a worker, from its last start event.
    pub fn worker_pid(&self, id: u32) -> i32 {
        let start = format!("worker_start {id} ");
        let last = self.wait_for_event(&start);
        last[start.len()..].parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("events: {:?}\nlog:\n{}", self.events(), self.log());
        }
        kill(-self.pid(), libc::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Sends a signal.
pub fn kill(pid: i32, signal: i32) {
    let signal = nix::sys::signal::Signal::try_from(signal).unwrap();
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

/// The processes of a group, with their states (proc_pid_stat(5)).
pub fn group(leader: i32) -> Vec<(i32, char)> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        (fields.get(2)?.parse::<i32>().ok()? == leader).then_some((pid, fields[0].chars().next()?))
    })
    .collect()
}

/// Polls `condition` until it holds, at most for `limit`.
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The transport of a client.
pub trait Stream: Read + Write + Send {
    /// Shuts down the sending direction.
    fn half_close(&mut self);
    /// Sets the read timeout.
    fn timeout(&self, timeout: Duration);
}
impl Stream for TcpStream {
    fn half_close(&mut self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
    fn timeout(&self, timeout: Duration) {
        self.set_read_timeout(Some(timeout)).unwrap();
    }
}
impl Stream for UnixStream {
    fn half_close(&mut self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
    fn timeout(&self, timeout: Duration) {
        self.set_read_timeout(Some(timeout)).unwrap();
    }
}

/// A client that exchanges packets with a length prefix.
pub struct Client(Box<dyn Stream>);

impl Client {
    /// Connects.
    pub fn tcp(address: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(Box::new(stream))
    }

    /// Connects to a path.
    pub fn unix(path: &Path) -> Client {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        Client(Box::new(stream))
    }

    /// A client over a connected stream.
    pub fn over(stream: impl Stream + 'static) -> Client {
        Client(Box::new(stream))
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Sends a packet.
    pub fn send(&mut self, body: impl AsRef<[u8]>) {
        self.try_send(body.as_ref()).unwrap();
    }

    /// Sends a packet, if the server still reads.
    pub fn try_send(&mut self, body: &[u8]) -> std::io::Result<()> {
        let mut packet = (body.len() as u32).to_be_bytes().to_vec();
        packet.extend_from_slice(body);
        self.0.write_all(&packet)
    }

    /// The next packet.
    pub fn packet(&mut self) -> Vec<u8> {
        self.try_packet().unwrap()
    }

    /// The next packet, if it comes.
    pub fn try_packet(&mut self) -> std::io::Result<Vec<u8>> {
        let mut len = [0; 4];
        self.0.read_exact(&mut len)?;
        let mut body = vec![0; u32::from_be_bytes(len) as usize];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }

    /// The next packet, if it comes in time.
    pub fn packet_within(&mut self, timeout: Duration) -> std::io::Result<Vec<u8>> {
        self.0.timeout(timeout);
        let packet = self.try_packet();
        self.0.timeout(TIMEOUT);
        packet
    }

    /// The next packet as text.
    pub fn text(&mut self) -> String {
        String::from_utf8(self.packet()).unwrap()
    }

    /// Sends a packet and returns the reply.
    pub fn ask(&mut self, body: impl AsRef<[u8]>) -> String {
        self.send(body);
        self.text()
    }

    /// Reads exactly `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Shuts down the sending direction.
    pub fn half_close(&mut self) {
        self.0.half_close();
    }

    /// Whether the server closes the connection, in order or by a reset, before sending anything.
    pub fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0; 1]) {
            Ok(n) => n == 0,
            Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// The connection's id, and its worker's number and process.
    pub fn who(&mut self) -> Who {
        let text = self.ask("who");
        let numbers: Vec<u64> = text.split(' ').map(|n| n.parse().unwrap()).collect();
        Who { worker: numbers[0] as u32, pid: numbers[1] as i32, session: numbers[2] }
    }
}

/// The worker that replied, and the connection.
pub struct Who {
    pub worker: u32,
    pub pid: i32,
    pub session: u64,
}

/// A pattern of bytes; the test server makes the same.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8).collect()
}

/// The peak resident memory of a process, bytes (VmHWM).
pub fn peak(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The anonymous memory of a process, bytes (RssAnon).
pub fn resident(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Raises the descriptor limit, at most to 65,536, for tests with thousands of connections.
pub fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard).unwrap();
}
