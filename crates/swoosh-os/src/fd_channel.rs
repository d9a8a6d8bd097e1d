//! Files on the way to a worker: bodies of requests that are too long for memory. They have no names, so they travel as
//! descriptors (SCM_RIGHTS of unix(7)), each with a number that stands in the message it belongs to.
//!
//! Both ends are made before the first fork: what waits for a worker outlives it, and goes with the server.

use crate::error::{Error, Result};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The way to one worker.
#[derive(Debug)]
pub struct FdChannel {
    give: OwnedFd,
    take: OwnedFd,
}

impl FdChannel {
    /// A new way.
    ///
    /// # Errors
    /// Where no descriptors are left.
    pub fn new() -> Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map(|(give, take)| FdChannel { give, take })
            .map_err(|e| Error::system("make", "a way for files", e))
    }

    /// Gives a file under a number; it need not be kept open here.
    ///
    /// # Errors
    /// Where too many wait already.
    pub fn send(&self, number: u64, file: &File) -> Result<()> {
        let descriptors = [file.as_raw_fd()];
        let bytes = number.to_le_bytes();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        sendmsg::<()>(self.give.as_raw_fd(), &[IoSlice::new(&bytes)], &rights, MsgFlags::MSG_NOSIGNAL, None)
            .map(drop)
            .map_err(|e| Error::system("give", "a file to a worker", e))
    }

    /// Takes the file of that number, where it waits. Others before it go back at once, behind the rest: this process may
    /// be killed before it comes to their messages. Those for which there is no room any more are `kept`.
    ///
    /// # Errors
    /// Where a file is lost: no descriptor is left for it.
    pub fn receive(&self, number: u64, kept: &mut Vec<(u64, File)>) -> Result<Option<File>> {
        if let Some(at) = kept.iter().position(|(own, _)| *own == number) {
            return Ok(Some(kept.swap_remove(at).1));
        }
        let mut first = None;
        for _ in 0..MOST {
            let Some((own, file)) = self.receive_next()? else { break };
            if own == number {
                return Ok(Some(file));
            }
            let around = first == Some(own);
            match self.send(own, &file) {
                Ok(()) => _ = first.get_or_insert(own),
                Err(_) => kept.push((own, file)),
            }
            if around {
                break;
            }
        }
        Ok(None)
    }

    /// Takes the next file, where one waits.
    fn receive_next(&self) -> Result<Option<(u64, File)>> {
        let mut number = [0; 8];
        let mut room = nix::cmsg_space!([i32; 1]);
        let mut pieces = [IoSliceMut::new(&mut number)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let lost = |e| Error::system("take", "a file that a request came with", e);
        let message = match recvmsg::<()>(self.take.as_raw_fd(), &mut pieces, Some(&mut room), flags) {
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

/// More files than can wait (wmem_default of socket(7)).
const MOST: usize = 4096;

fn owned(descriptor: i32) -> File {
    // SAFETY: the kernel has just made this descriptor for this process, and nobody else knows of it.
    unsafe { File::from_raw_fd(descriptor) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Fork, exit_now, fork, wait_for};
    use crate::temp_file::TempFile;

    #[test]
    fn files_go_from_process_to_process_and_outlive_the_giver() {
        let way = FdChannel::new().unwrap();
        assert!(way.receive_next().unwrap().is_none());
        let Fork::Parent(child) = fork().unwrap() else {
            for number in [7u64, u64::MAX] {
                let mut stored = TempFile::new(&std::env::temp_dir()).unwrap();
                stored.append(number.to_string().as_bytes()).unwrap();
                way.send(number, stored.file()).unwrap();
            }
            exit_now(0);
        };
        wait_for(child).unwrap();
        for number in [7u64, u64::MAX] {
            let (own, file) = way.receive_next().unwrap().unwrap();
            let stored = TempFile::from_file(file).unwrap();
            assert_eq!((own, stored.read(0..stored.len()).unwrap()), (number, number.to_string().into_bytes()));
        }
        assert!(way.receive_next().unwrap().is_none());
    }

    #[test]
    fn files_that_were_passed_over_are_there_for_the_successor_of_a_taker_that_is_killed() {
        let way = FdChannel::new().unwrap();
        for number in 1..=5u64 {
            let mut stored = TempFile::new(&std::env::temp_dir()).unwrap();
            stored.append(number.to_string().as_bytes()).unwrap();
            way.send(number, stored.file()).unwrap();
        }
        let Fork::Parent(child) = fork().unwrap() else {
            let found = way.receive(4, &mut Vec::new()).unwrap().is_some();
            crate::process::kill(crate::process::pid(), if found { libc::SIGKILL } else { libc::SIGABRT });
            exit_now(1);
        };
        wait_for(child).unwrap();
        let mut kept = Vec::new();
        assert!(way.receive(4, &mut kept).unwrap().is_none(), "it went with the taker");
        for number in [5u64, 1, 3, 2] {
            let stored = TempFile::from_file(way.receive(number, &mut kept).unwrap().unwrap()).unwrap();
            assert_eq!(stored.read(0..1).unwrap(), number.to_string().into_bytes());
        }
        assert!(kept.is_empty() && way.receive_next().unwrap().is_none());
    }

    #[test]
    fn a_way_that_nobody_takes_from_is_full_at_last() {
        let way = FdChannel::new().unwrap();
        let file = tempfile::tempfile().unwrap();
        let full = (0..100_000).find_map(|number| way.send(number, &file).err());
        assert!(full.is_some());
        assert_eq!(way.receive_next().unwrap().map(|(number, _)| number), Some(0));
    }
}
