//! Sockets that systemd opened for this program (sd_listen_fds(3)).

use crate::error::{Error, Result};
use socket2::{SockAddr, SockRef};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// A socket that was open when this program began.
#[derive(Debug)]
pub struct InheritedSocket {
    /// The socket, ours from now on, closed when a program is executed.
    pub fd: OwnedFd,
    /// `FileDescriptorName=` of the socket's unit; empty where none is told.
    pub name: String,
    /// What it is bound to.
    pub address: SockAddr,
}

/// Takes the sockets that `LISTEN_FDS` announces to this process, in their order; none where it announces none, or
/// the announcement is for another process (`LISTEN_PID`). They are handed out once: a further call gives none.
///
/// Fails where one of the announced descriptors is not an open socket; those before it are closed then.
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
    // SAFETY: asks for flags only; a number that is no descriptor is answered with an error.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(refused(std::io::Error::last_os_error()));
    }
    // SAFETY: the descriptor is open, as was just seen. It is nobody else's: whoever started this process announced it
    // as ours, and `take` hands out each number once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let address = SockRef::from(&fd).local_addr().map_err(refused)?;
    // SAFETY: the descriptor is open and ours.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(refused(std::io::Error::last_os_error()));
    }
    Ok(InheritedSocket { fd, name, address })
}

/// Descriptors announced to process `me`, each with its name.
fn announced(me: u32, pid: Option<String>, count: Option<String>, names: Option<String>) -> Vec<(i32, String)> {
    let number = |text: Option<String>| text.and_then(|text| text.trim().parse::<u32>().ok());
    if number(pid) != Some(me) {
        return Vec::new();
    }
    let count = number(count).unwrap_or(0).min(MOST) as i32;
    let names = names.unwrap_or_default();
    let names = names.split(':').chain(std::iter::repeat(""));
    (FIRST..FIRST + count).zip(names).map(|(fd, name)| (fd, name.to_owned())).collect()
}

static TAKEN: AtomicBool = AtomicBool::new(false);
/// The first announced descriptor (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;
/// No process has more descriptors than this.
const MOST: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::IntoRawFd;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn descriptors_begin_at_three_and_have_their_names() {
        let wanted = vec![(3, "web".to_owned()), (4, "api".to_owned()), (5, String::new())];
        assert_eq!(announced(77, some("77"), some("3"), some("web:api")), wanted);
        assert_eq!(announced(77, some("77"), some("1"), None), [(3, String::new())]);
    }

    #[test]
    fn what_is_announced_to_another_process_or_wrongly_is_not_ours() {
        assert_eq!(announced(77, some("78"), some("3"), None), []);
        assert_eq!(announced(77, None, some("3"), None), []);
        assert_eq!(announced(77, some("77"), some("-1"), None), []);
        assert_eq!(announced(77, some("77"), some("many"), None), []);
        assert_eq!(announced(77, some("77"), None, None), []);
    }

    #[test]
    fn an_inherited_socket_tells_its_address_and_is_closed_on_exec() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inherited = inherit(listener.into_raw_fd(), "web".to_owned()).unwrap();
        assert_eq!((inherited.address.as_socket(), inherited.name.as_str()), (Some(address), "web"));
        // SAFETY: asks for flags only.
        assert_eq!(unsafe { libc::fcntl(inherited.fd.as_raw_fd(), libc::F_GETFD) }, libc::FD_CLOEXEC);
    }

    #[test]
    fn a_descriptor_that_is_closed_or_no_socket_is_named_in_the_error() {
        let error = inherit(999_999, "web".to_owned()).unwrap_err().to_string();
        assert!(error.starts_with("take over descriptor 999999 (web): "), "{error}");
        let file = std::fs::File::open("/dev/null").unwrap().into_raw_fd();
        assert!(inherit(file, String::new()).is_err());
    }
}
