//! Passes open files to one process (SCM_RIGHTS of unix(7)), each with a number that the message it belongs to names.
//!
//! A file in the channel outlives the process that should receive it: both ends are created before the first fork and
//! inherited, so a restarted receiver finds what its predecessor left.

use crate::error::{Error, Result};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A channel for open files, usable from every process forked after it was created.
///
/// ```
/// use std::io::Read;
/// use swoosh_os::fd_channel::FdChannel;
///
/// let channel = FdChannel::new()?;
/// channel.send(7, &std::fs::File::open("/proc/self/comm").unwrap())?;
/// let mut file = channel.receive(7, &mut Vec::new())?.expect("it was sent");
/// let mut text = String::new();
/// file.read_to_string(&mut text).unwrap();
/// assert!(!text.is_empty());
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct FdChannel {
    sender: OwnedFd,
    receiver: OwnedFd,
}

impl FdChannel {
    /// Creates an empty channel.
    ///
    /// # Errors
    /// If the process has no descriptors left.
    pub fn new() -> Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map(|(sender, receiver)| FdChannel { sender, receiver })
            .map_err(|e| Error::system("create", "a descriptor channel", e))
    }

    /// Sends a file under a number. The caller may close its own descriptor afterwards.
    ///
    /// # Errors
    /// If the channel is full. It holds as many files as the socket's send buffer (`wmem_default` of socket(7)).
    pub fn send(&self, number: u64, file: &File) -> Result<()> {
        let descriptors = [file.as_raw_fd()];
        let bytes = number.to_le_bytes();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        sendmsg::<()>(self.sender.as_raw_fd(), &[IoSlice::new(&bytes)], &rights, MsgFlags::MSG_NOSIGNAL, None)
            .map(drop)
            .map_err(|e| Error::system("send", "a file to a worker", e))
    }

    /// Receives the file with that number; `None` if it is not in the channel.
    ///
    /// Files that are passed over go back to the end of the channel at once, so that they survive if this process is
    /// killed before it asks for them. Those that no longer fit are added to `unsent`, which later calls search first.
    ///
    /// # Errors
    /// If a file is lost because this process has no descriptors left.
    pub fn receive(&self, number: u64, unsent: &mut Vec<(u64, File)>) -> Result<Option<File>> {
        if let Some(at) = unsent.iter().position(|(own, _)| *own == number) {
            return Ok(Some(unsent.swap_remove(at).1));
        }
        let mut first = None;
        for _ in 0..MAX_FILES {
            let Some((own, file)) = self.receive_next()? else { break };
            if own == number {
                return Ok(Some(file));
            }
            let all_seen = first == Some(own);
            match self.send(own, &file) {
                Ok(()) => _ = first.get_or_insert(own),
                Err(_) => unsent.push((own, file)),
            }
            if all_seen {
                break;
            }
        }
        Ok(None)
    }

    /// Receives the oldest file; `None` if the channel is empty.
    fn receive_next(&self) -> Result<Option<(u64, File)>> {
        let mut number = [0; 8];
        let mut control = nix::cmsg_space!([i32; 1]);
        let mut pieces = [IoSliceMut::new(&mut number)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let lost = |e| Error::system("receive", "a file that a request came with", e);
        let message = match recvmsg::<()>(self.receiver.as_raw_fd(), &mut pieces, Some(&mut control), flags) {
            Err(nix::Error::EAGAIN) => return Ok(None),
            other => other.map_err(lost)?,
        };
        let rights = message.cmsgs().map_err(lost)?.find_map(|part| match part {
            ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
            _ => None,
        });
        match rights {
            Some(descriptor) => Ok(Some((u64::from_le_bytes(number), owned(descriptor)))),
            None => Err(lost(nix::Error::EMFILE)),
        }
    }
}

/// More files than a channel holds.
const MAX_FILES: usize = 4096;

fn owned(descriptor: i32) -> File {
    // SAFETY: recvmsg(2) has just created this descriptor in this process, and nothing else knows its number.
    unsafe { File::from_raw_fd(descriptor) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Fork, exit_now, fork, wait_for};
    use crate::temp_file::TempFile;

    #[test]
    fn files_pass_between_processes_and_outlive_the_sender() {
        let channel = FdChannel::new().unwrap();
        assert!(channel.receive_next().unwrap().is_none());
        let Fork::Parent(child) = fork().unwrap() else {
            for number in [7u64, u64::MAX] {
                let mut file = TempFile::new(&std::env::temp_dir()).unwrap();
                file.append(number.to_string().as_bytes()).unwrap();
                channel.send(number, file.file()).unwrap();
            }
            exit_now(0);
        };
        wait_for(child).unwrap();
        for number in [7u64, u64::MAX] {
            let (own, file) = channel.receive_next().unwrap().unwrap();
            let file = TempFile::from_file(file).unwrap();
            assert_eq!((own, file.read(0..file.len()).unwrap()), (number, number.to_string().into_bytes()));
        }
        assert!(channel.receive_next().unwrap().is_none());
    }

    #[test]
    fn files_that_were_passed_over_are_left_to_the_successor_of_a_killed_receiver() {
        let channel = FdChannel::new().unwrap();
        for number in 1..=5u64 {
            let mut file = TempFile::new(&std::env::temp_dir()).unwrap();
            file.append(number.to_string().as_bytes()).unwrap();
            channel.send(number, file.file()).unwrap();
        }
        let Fork::Parent(child) = fork().unwrap() else {
            let found = channel.receive(4, &mut Vec::new()).unwrap().is_some();
            crate::process::kill(crate::process::pid(), if found { libc::SIGKILL } else { libc::SIGABRT });
            exit_now(1);
        };
        wait_for(child).unwrap();
        let mut unsent = Vec::new();
        assert!(channel.receive(4, &mut unsent).unwrap().is_none(), "it was closed with the receiver");
        for number in [5u64, 1, 3, 2] {
            let file = TempFile::from_file(channel.receive(number, &mut unsent).unwrap().unwrap()).unwrap();
            assert_eq!(file.read(0..1).unwrap(), number.to_string().into_bytes());
        }
        assert!(unsent.is_empty() && channel.receive_next().unwrap().is_none());
    }

    #[test]
    fn a_channel_without_a_receiver_fills_up() {
        let channel = FdChannel::new().unwrap();
        let file = tempfile::tempfile().unwrap();
        let full = (0..100_000).find_map(|number| channel.send(number, &file).err());
        assert!(full.is_some());
        assert_eq!(channel.receive_next().unwrap().map(|(number, _)| number), Some(0));
    }
}
