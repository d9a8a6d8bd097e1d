//! Sockets that systemd opened for this program (socket activation, sd_listen_fds(3)).

use crate::error::{Error, Result};
use socket2::{SockAddr, SockRef};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// A socket that was open when this program started.
///
/// ```
/// for socket in swoosh_os::listen_fds::take()? {
///     println!("{}: {:?}", socket.name, socket.address);
/// }
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct InheritedSocket {
    /// The socket, closed on exec.
    pub fd: OwnedFd,
    /// `FileDescriptorName=` of the socket's unit; empty if `LISTEN_FDNAMES` does not name it.
    pub name: String,
    /// The address it is bound to.
    pub address: SockAddr,
}

/// Takes the sockets that `LISTEN_FDS` announces to this process (`LISTEN_PID`), in their order. The result is empty if
/// none are announced, and on every call after the first one that had a result.
///
/// # Errors
/// If an announced descriptor is not an open socket; the descriptors before it are closed then.
pub fn take() -> Result<Vec<InheritedSocket>> {
    let var = |name| std::env::var(name).ok();
    let announced = announced(std::process::id(), var("LISTEN_PID"), var("LISTEN_FDS"), var("LISTEN_FDNAMES"));
    if announced.is_empty() || TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    announced.into_iter().map(|(number, name)| inherit(number, name)).collect()
}

fn inherit(number: i32, name: String) -> Result<InheritedSocket> {
    let refused = |e: std::io::Error| Error::system("take over descriptor", format_args!("{number} ({name})"), e);
    // SAFETY: F_GETFD reads flags only; a number that is not a descriptor is an error.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(refused(std::io::Error::last_os_error()));
    }
    // SAFETY: F_GETFD has shown that the descriptor is open. systemd announced it to this process, so no other code
    // here opened it, and `take` returns each number once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let address = SockRef::from(&fd).local_addr().map_err(refused)?;
    // SAFETY: `fd` is open and owned.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(refused(std::io::Error::last_os_error()));
    }
    Ok(InheritedSocket { fd, name, address })
}

/// The descriptors announced to the process `own_pid`, each with its name.
fn announced(own_pid: u32, pid: Option<String>, count: Option<String>, names: Option<String>) -> Vec<(i32, String)> {
    let number = |text: Option<String>| text.and_then(|text| text.trim().parse::<u32>().ok());
    if number(pid) != Some(own_pid) {
        return Vec::new();
    }
    let count = number(count).unwrap_or(0).min(MAX_DESCRIPTORS) as i32;
    let names = names.unwrap_or_default();
    let names = names.split(':').chain(std::iter::repeat(""));
    (FIRST..FIRST + count).zip(names).map(|(fd, name)| (fd, name.to_owned())).collect()
}

static TAKEN: AtomicBool = AtomicBool::new(false);
/// The first announced descriptor (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;
/// The default of `fs.nr_open`: no process has more descriptors (proc_sys_fs(5)).
const MAX_DESCRIPTORS: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::IntoRawFd;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn descriptors_start_at_three_and_have_their_names() {
        let wanted = vec![(3, "web".to_owned()), (4, "api".to_owned()), (5, String::new())];
        assert_eq!(announced(77, some("77"), some("3"), some("web:api")), wanted);
        assert_eq!(announced(77, some("77"), some("1"), None), [(3, String::new())]);
    }

    #[test]
    fn announcements_to_other_processes_and_malformed_ones_are_ignored() {
        assert_eq!(announced(77, some("78"), some("3"), None), []);
        assert_eq!(announced(77, None, some("3"), None), []);
        assert_eq!(announced(77, some("77"), some("-1"), None), []);
        assert_eq!(announced(77, some("77"), some("many"), None), []);
        assert_eq!(announced(77, some("77"), None, None), []);
    }

    #[test]
    fn an_inherited_socket_knows_its_address_and_is_closed_on_exec() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inherited = inherit(listener.into_raw_fd(), "web".to_owned()).unwrap();
        assert_eq!((inherited.address.as_socket(), inherited.name.as_str()), (Some(address), "web"));
        // SAFETY: asks for flags only.
        assert_eq!(unsafe { libc::fcntl(inherited.fd.as_raw_fd(), libc::F_GETFD) }, libc::FD_CLOEXEC);
    }

    #[test]
    fn a_descriptor_that_is_closed_or_not_a_socket_is_named_in_the_error() {
        let error = inherit(999_999, "web".to_owned()).unwrap_err().to_string();
        assert!(error.starts_with("take over descriptor 999999 (web): "), "{error}");
        let file = std::fs::File::open("/dev/null").unwrap().into_raw_fd();
        assert!(inherit(file, String::new()).is_err());
    }
}
