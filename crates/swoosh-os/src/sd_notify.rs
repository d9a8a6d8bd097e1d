//! Messages to the service manager that started this program (systemd, sd_notify(3)).
//!
//! Also the interval of its watchdog (sd_watchdog_enabled(3)).

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager's socket. Processes that are forked may share it; the manager decides by `NotifyAccess=` from which
/// it accepts messages, by default only from the one that it started.
///
/// ```
/// if let Some(notifier) = swoosh_os::sd_notify::Notifier::from_env()? {
///     notifier.send("READY=1\nSTATUS=serving")?;
/// }
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
    /// `NOTIFY_SOCKET`, for messages.
    name: String,
}

impl Notifier {
    /// The socket that `NOTIFY_SOCKET` names: a path, or an abstract address behind `@`. `None` if the variable is absent or
    /// empty.
    ///
    /// # Errors
    /// If the address is of another kind, or no descriptor is left.
    pub fn from_env() -> Result<Option<Self>> {
        match std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) {
            Some(name) => Self::new(name).map(Some),
            None => Ok(None),
        }
    }

    fn new(name: OsString) -> Result<Self> {
        let shown = name.to_string_lossy().into_owned();
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            [b'/', ..] => SocketAddr::from_pathname(&name),
            _ => {
                let reason = format!("NOTIFY_SOCKET={shown} is neither a path nor an abstract address");
                return Err(Error::State { operation: "notify the service manager", reason });
            }
        };
        let refused = |e| Error::system("open a socket to notify", &shown, e);
        let address = address.map_err(refused)?;
        let socket = UnixDatagram::unbound().map_err(refused)?;
        socket.set_write_timeout(Some(SEND_TIMEOUT)).map_err(refused)?;
        Ok(Notifier { socket, address, name: shown })
    }

    /// Sends assignments, one on each line: `READY=1`, `STATUS=...`, `WATCHDOG=1` and the others of sd_notify(3). Waits at
    /// most half a second for a manager whose queue is full.
    ///
    /// # Errors
    /// If nobody receives at the address, or the queue stays full.
    pub fn send(&self, assignments: &str) -> Result<()> {
        let sent = self.socket.send_to_addr(assignments.as_bytes(), &self.address);
        sent.map(drop).map_err(|e| Error::system("notify", &self.name, e))
    }
}

/// Within which time the service manager expects the next `WATCHDOG=1` of this process (`WATCHDOG_USEC`, `WATCHDOG_PID`).
/// `None` if it expects none.
///
/// ```
/// # // The test runs without a service manager.
/// assert_eq!(swoosh_os::sd_notify::watchdog_interval(), None);
/// ```
pub fn watchdog_interval() -> Option<Duration> {
    let var = |name| std::env::var(name).ok();
    interval(std::process::id(), var("WATCHDOG_USEC"), var("WATCHDOG_PID"))
}

fn interval(own_pid: u32, microseconds: Option<String>, pid: Option<String>) -> Option<Duration> {
    if pid.is_some_and(|pid| pid.trim().parse() != Ok(own_pid)) {
        return None;
    }
    let microseconds = microseconds?.trim().parse().ok().filter(|number| *number > 0)?;
    Some(Duration::from_micros(microseconds))
}

const SEND_TIMEOUT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_watchdog_is_this_processs_own_or_nobodys() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(interval(77, some("1000000"), some("77")), second);
        assert_eq!(interval(77, some("1000000"), None), second);
        assert_eq!(interval(77, some("1000000"), some("78")), None);
        assert_eq!(interval(77, some("0"), some("77")), None);
        assert_eq!(interval(77, some("soon"), some("77")), None);
        assert_eq!(interval(77, None, some("77")), None);
    }

    #[test]
    fn messages_reach_a_path_and_an_abstract_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("@swoosh-notify-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        for (receiver, name) in [
            (UnixDatagram::bind(&path).unwrap(), path.clone().into_os_string()),
            (UnixDatagram::bind_addr(&abstract_address).unwrap(), OsString::from(&name)),
        ] {
            Notifier::new(name).unwrap().send("READY=1\nSTATUS=here").unwrap();
            let mut buffer = [0; 64];
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"READY=1\nSTATUS=here");
        }
    }

    #[test]
    fn an_address_that_is_not_understood_and_one_without_a_receiver_are_errors_that_name_it() {
        let error = Notifier::new("vsock:2:1234".into()).unwrap_err().to_string();
        assert!(error.contains("NOTIFY_SOCKET=vsock:2:1234"), "{error}");
        let error = Notifier::new("/nobody/here".into()).unwrap().send("READY=1").unwrap_err().to_string();
        assert!(error.starts_with("notify /nobody/here: "), "{error}");
    }
}
