//! A System V message queue: survives the processes that use it, and hands each message to one receiver.
//!
//! See msgget(2), msgop(2), sysvipc(7). The kernel's bounds: `/proc/sys/kernel/msgmax` bytes a message,
//! `/proc/sys/kernel/msgmnb` bytes a queue.

use crate::error::{Error, Result};
use std::io;
use std::mem::MaybeUninit;

/// A queue. It is a name, not an owner: dropping it leaves the queue in the kernel, and copies in other processes
/// mean the same queue. [`remove`](MessageQueue::remove) ends it for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageQueue {
    id: libc::c_int,
}

/// The key of the queue that programs agree on who know the same file (ftok(3)).
pub fn key_of(path: &std::path::Path) -> Result<i32> {
    use std::os::unix::ffi::OsStrExt;
    let refused = |cause: io::Error| Error::system("make a key of", path.display(), cause);
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|e| refused(e.into()))?;
    // SAFETY: a C string that lives as long as the call.
    match unsafe { libc::ftok(name.as_ptr(), 1) } {
        -1 => Err(refused(io::Error::last_os_error())),
        key => Ok(key),
    }
}

/// What a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueStatus {
    /// Messages that nobody has received yet.
    pub messages: u64,
    /// Their bytes, types not counted.
    pub bytes: u64,
    /// Bytes the queue takes at most.
    pub capacity: u64,
}

/// Room for one received message, used again for each.
pub struct MessageBuffer {
    /// The type first, then the data, as msgrcv(2) wants them.
    room: Vec<libc::c_long>,
    /// Bytes of data it takes.
    limit: usize,
    length: usize,
}

impl MessageQueue {
    /// The queue of `key`, created if there is none; key 0 creates a private one that no key finds.
    ///
    /// Fails where the queue is another user's, or the machine has no room for one more.
    pub fn open(key: i32) -> Result<MessageQueue> {
        // SAFETY: no pointer is handed over.
        let id = unsafe { libc::msgget(key, libc::IPC_CREAT | 0o666) };
        if id < 0 {
            return Err(Error::system("open message queue", format_args!("{key:#x}"), io::Error::last_os_error()));
        }
        Ok(MessageQueue { id })
    }

    /// The kernel's number of it.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Appends a message of type `kind` (1 and above). `false`: the queue is full; with `wait`, it was full and a signal
    /// came before there was room.
    ///
    /// Fails where the queue is gone, `kind` is below 1 or the message is longer than [`max_message`].
    pub fn send(&self, kind: i64, data: &[u8], wait: bool) -> Result<bool> {
        let mut message = Vec::with_capacity(TYPE_SIZE + data.len());
        message.extend_from_slice(&libc::c_long::to_ne_bytes(kind));
        message.extend_from_slice(data);
        let flags = if wait { 0 } else { libc::IPC_NOWAIT };
        // SAFETY: `message` holds a type and, after it, `data.len()` bytes; the kernel only reads them, at any alignment.
        if unsafe { libc::msgsnd(self.id, message.as_ptr().cast(), data.len(), flags) } == 0 {
            return Ok(true);
        }
        self.unless_in_vain("send to").map(|()| false)
    }

    /// Takes the first message of type `kind` into `letter` and gives its type. `kind` 0: the first of any type;
    /// negative: the lowest type up to `-kind`. `None`: there is none; with `wait`, there was none before a signal came.
    ///
    /// Fails where the queue is gone.
    pub fn receive(&self, kind: i64, wait: bool, letter: &mut MessageBuffer) -> Result<Option<i64>> {
        let flags = if wait { 0 } else { libc::IPC_NOWAIT };
        let room = letter.limit;
        // SAFETY: `letter.room` holds one type and, after it, `room` bytes, and is ours alone during the call.
        let length = unsafe { libc::msgrcv(self.id, letter.room.as_mut_ptr().cast(), room, kind, flags) };
        match usize::try_from(length) {
            Ok(length) => {
                letter.length = length;
                Ok(Some(letter.room[0]))
            }
            Err(_) => self.unless_in_vain("receive from").map(|()| None),
        }
    }

    /// What the queue holds now.
    pub fn status(&self) -> Result<QueueStatus> {
        let status = self.read_status()?;
        Ok(QueueStatus { messages: status.msg_qnum, bytes: status.__msg_cbytes, capacity: status.msg_qbytes })
    }

    /// Lets the queue take `bytes` at most.
    ///
    /// Fails where that is more than the machine allows and this process is not privileged.
    pub fn set_capacity(&self, bytes: u64) -> Result<()> {
        let mut status = self.read_status()?;
        status.msg_qbytes = bytes;
        // SAFETY: `status` is a live value of the type that IPC_SET reads.
        self.control(unsafe { libc::msgctl(self.id, libc::IPC_SET, &mut status) }, "resize")
    }

    /// Removes the queue and what it holds. Whoever waits on it is told that it is gone.
    pub fn remove(self) -> Result<()> {
        // SAFETY: IPC_RMID takes no third argument.
        self.control(unsafe { libc::msgctl(self.id, libc::IPC_RMID, std::ptr::null_mut()) }, "remove")
    }

    fn read_status(&self) -> Result<libc::msqid_ds> {
        let mut status = MaybeUninit::<libc::msqid_ds>::zeroed();
        // SAFETY: `status` is a live value of the type that IPC_STAT fills.
        self.control(unsafe { libc::msgctl(self.id, libc::IPC_STAT, status.as_mut_ptr()) }, "inspect")?;
        // SAFETY: IPC_STAT succeeded, so the kernel filled it; what it leaves alone is zero, which is valid there.
        Ok(unsafe { status.assume_init() })
    }

    fn control(&self, answer: libc::c_int, act: &'static str) -> Result<()> {
        if answer < 0 { Err(self.failed(act, io::Error::last_os_error())) } else { Ok(()) }
    }

    /// The last call's error, unless that says "not now".
    fn unless_in_vain(&self, act: &'static str) -> Result<()> {
        let cause = io::Error::last_os_error();
        match cause.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOMSG | libc::EINTR) => Ok(()),
            _ => Err(self.failed(act, cause)),
        }
    }

    fn failed(&self, act: &'static str, cause: io::Error) -> Error {
        Error::system(act, format_args!("message queue {}", self.id), cause)
    }
}

impl MessageBuffer {
    /// Room for the longest message the machine allows.
    pub fn new() -> Self {
        Self::with_capacity(max_message())
    }

    /// Room for messages of up to `limit` bytes; a longer one is not received, and stays in the queue.
    pub fn with_capacity(limit: usize) -> Self {
        MessageBuffer { room: vec![0; 1 + limit.div_ceil(TYPE_SIZE)], limit, length: 0 }
    }

    /// The data of the message received last.
    pub fn data(&self) -> &[u8] {
        // SAFETY: `length` bytes after the type were written by the kernel, within `room` (msgrcv never exceeds the
        // size it was told); bytes have no invalid values and no alignment.
        unsafe { std::slice::from_raw_parts(self.room.as_ptr().add(1).cast(), self.length) }
    }
}

impl Default for MessageBuffer {
    fn default() -> Self {
        MessageBuffer::new()
    }
}

/// Bytes of the longest message the machine allows (`/proc/sys/kernel/msgmax`), 8192 where that cannot be read.
pub fn max_message() -> usize {
    let text = std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap_or_default();
    text.trim().parse().unwrap_or(8192)
}

const TYPE_SIZE: usize = size_of::<libc::c_long>();

#[cfg(test)]
mod tests {
    use super::*;

    /// A private queue that does not outlive its test.
    struct Private(MessageQueue);

    impl Private {
        fn new() -> Self {
            Private(MessageQueue::open(0).unwrap())
        }
    }

    impl Drop for Private {
        fn drop(&mut self) {
            let _ = self.0.remove();
        }
    }

    #[test]
    fn a_message_is_received_once_and_by_its_type() {
        let (queue, mut letter) = (Private::new(), MessageBuffer::new());
        assert_eq!(queue.0.receive(0, false, &mut letter).unwrap(), None);
        for (kind, data) in [(1, &b"one"[..]), (2, b""), (3, b"three")] {
            assert!(queue.0.send(kind, data, false).unwrap());
        }
        let held = queue.0.status().unwrap();
        assert_eq!((held.messages, held.bytes), (3, 8));
        assert_eq!(queue.0.receive(3, false, &mut letter).unwrap(), Some(3));
        assert_eq!(letter.data(), b"three");
        assert_eq!(queue.0.receive(0, true, &mut letter).unwrap(), Some(1));
        assert_eq!(letter.data(), b"one");
        assert_eq!(queue.0.receive(-5, false, &mut letter).unwrap(), Some(2));
        assert_eq!(letter.data(), b"");
        assert_eq!(queue.0.receive(0, false, &mut letter).unwrap(), None);
    }

    #[test]
    fn a_full_queue_takes_no_more_and_says_so() {
        let queue = Private::new();
        queue.0.set_capacity(100).unwrap();
        assert!(queue.0.send(1, &[7; 60], false).unwrap());
        assert!(!queue.0.send(1, &[7; 60], false).unwrap());
        assert_eq!(queue.0.status().unwrap(), QueueStatus { messages: 1, bytes: 60, capacity: 100 });
    }

    #[test]
    fn the_longest_message_goes_through_and_a_longer_one_is_refused() {
        let (queue, mut letter) = (Private::new(), MessageBuffer::new());
        let longest = vec![b'm'; max_message()];
        if longest.len() as u64 > queue.0.status().unwrap().capacity {
            return;
        }
        assert!(queue.0.send(1, &longest, false).unwrap());
        queue.0.receive(0, false, &mut letter).unwrap();
        assert!(letter.data() == longest);
        assert!(queue.0.send(1, &[&longest[..], b"m"].concat(), false).is_err());
        assert!(queue.0.send(0, b"x", false).is_err());
    }

    #[test]
    fn a_removed_queue_is_an_error_for_every_copy() {
        let queue = Private::new();
        let copy = queue.0;
        copy.remove().unwrap();
        let error = queue.0.send(1, b"x", false).unwrap_err().to_string();
        assert!(error.starts_with("send to message queue "), "{error}");
        assert!(queue.0.receive(0, false, &mut MessageBuffer::new()).is_err());
    }

    #[test]
    fn a_key_finds_the_same_queue_again() {
        let key = 0x5300_0000 | (std::process::id() as i32 & 0xFF_FFFF);
        let first = Private(MessageQueue::open(key).unwrap());
        assert_eq!(MessageQueue::open(key).unwrap(), first.0);
        assert_ne!(MessageQueue::open(0).map(|q| (q, q.remove())).unwrap().0, first.0);
    }
}
