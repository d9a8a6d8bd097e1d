//! System V message queues: they outlive the processes that use them and deliver each message to one receiver.
//!
//! Source: msgget(2), msgop(2), sysvipc(7). The kernel's limits are `/proc/sys/kernel/msgmax` bytes per message and
//! `/proc/sys/kernel/msgmnb` bytes per queue.

use crate::error::{Error, Result};
use std::io;
use std::mem::MaybeUninit;

/// A queue by its kernel id. It does not own the queue: dropping it leaves the queue in the kernel, and copies in other
/// processes refer to the same one. [`remove`](MessageQueue::remove) deletes it for all.
///
/// ```
/// use swoosh_os::message_queue::{MessageBuffer, MessageQueue};
///
/// let queue = MessageQueue::open(0)?;
/// queue.send(1, b"hello", false)?;
/// let mut buffer = MessageBuffer::new();
/// assert_eq!(queue.receive(0, false, &mut buffer)?, Some(1));
/// assert_eq!(buffer.data(), b"hello");
/// queue.remove()?;
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageQueue {
    id: libc::c_int,
}

/// The key that programs derive from a file they all know (ftok(3)).
///
/// # Errors
/// If the file does not exist.
pub fn key_from_path(path: &std::path::Path) -> Result<i32> {
    use std::os::unix::ffi::OsStrExt;
    let refused = |cause: io::Error| Error::system("make a key of", path.display(), cause);
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|e| refused(e.into()))?;
    // SAFETY: `name` is a C string that outlives the call.
    match unsafe { libc::ftok(name.as_ptr(), 1) } {
        -1 => Err(refused(io::Error::last_os_error())),
        key => Ok(key),
    }
}

/// The fill level of a queue.
///
/// ```
/// # use swoosh_os::message_queue::MessageQueue;
/// let queue = MessageQueue::open(0)?;
/// assert_eq!(queue.status()?.messages, 0);
/// queue.remove()?;
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueStatus {
    /// Messages in the queue.
    pub messages: u64,
    /// Bytes of their data, without types.
    pub bytes: u64,
    /// The largest value that `bytes` may reach.
    pub capacity: u64,
}

/// Memory for one received message, reused for each.
///
/// ```
/// # use swoosh_os::message_queue::MessageBuffer;
/// assert!(MessageBuffer::with_capacity(100).data().is_empty());
/// ```
pub struct MessageBuffer {
    /// The type, then the data, as msgrcv(2) requires.
    words: Vec<libc::c_long>,
    /// Bytes of data that fit.
    capacity: usize,
    length: usize,
}

impl MessageQueue {
    /// Opens the queue with that key; creates a missing one. Key 0 creates a private queue that no key finds. Only the
    /// queue's user may use it afterwards (mode 0600): any process that can write to a queue decides what its readers do.
    ///
    /// # Errors
    /// If another user has created the queue, or the machine's limit of queues is reached.
    pub fn open(key: i32) -> Result<MessageQueue> {
        // SAFETY: msgget(2) takes two numbers and accesses no memory of this process.
        let id = unsafe { libc::msgget(key, libc::IPC_CREAT | MODE) };
        if id < 0 {
            return Err(Error::system("open message queue", format_args!("{key:#x}"), io::Error::last_os_error()));
        }
        let queue = MessageQueue { id };
        let mut status = queue.read_status()?;
        // SAFETY: geteuid(2) takes nothing, accesses no memory of this process and cannot fail.
        let own = unsafe { libc::geteuid() };
        if status.msg_perm.cuid != own && status.msg_perm.uid != own {
            let cause = io::Error::new(io::ErrorKind::PermissionDenied, "another user has created it");
            return Err(Error::system("open message queue", format_args!("{key:#x}"), cause));
        }
        if i32::from(status.msg_perm.mode as u16) & 0o777 != MODE {
            status.msg_perm.mode = MODE as _;
            // SAFETY: IPC_SET reads `status`, a live value of its type.
            queue.check(unsafe { libc::msgctl(id, libc::IPC_SET, &mut status) }, "restrict")?;
        }
        Ok(queue)
    }

    /// Gives the queue to another user, for processes that drop their privileges. Its creator keeps its rights.
    ///
    /// # Errors
    /// If the queue was removed, or this process is neither privileged nor the queue's user or creator.
    pub fn give_to(&self, uid: u32) -> Result<()> {
        let mut status = self.read_status()?;
        status.msg_perm.uid = uid;
        // SAFETY: IPC_SET reads `status`, a live value of its type.
        self.check(unsafe { libc::msgctl(self.id, libc::IPC_SET, &mut status) }, "give away")
    }

    /// The kernel's id of the queue.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Appends a message of type `kind`, 1 or above. `false`: the queue is full; with `wait`: a signal arrived before
    /// there was space.
    ///
    /// # Errors
    /// If the queue was removed, `kind` is below 1, or the message is longer than [`max_message_size`].
    pub fn send(&self, kind: i64, data: &[u8], wait: bool) -> Result<bool> {
        let mut message = Vec::with_capacity(TYPE_SIZE + data.len());
        message.extend_from_slice(&libc::c_long::to_ne_bytes(kind));
        message.extend_from_slice(data);
        let flags = if wait { 0 } else { libc::IPC_NOWAIT };
        // SAFETY: `message` holds a type followed by `data.len()` bytes. The kernel only reads them, at any alignment.
        if unsafe { libc::msgsnd(self.id, message.as_ptr().cast(), data.len(), flags) } == 0 {
            return Ok(true);
        }
        self.would_block_or_error("send to").map(|()| false)
    }

    /// Receives the first message of type `kind` into `buffer` and returns its type. `kind` 0: the first message of any
    /// type; negative: the one with the lowest type up to `-kind`. `None`: there is none; with `wait`: a signal arrived
    /// before there was one.
    ///
    /// # Errors
    /// If the queue was removed, or the message is longer than the buffer; such a message stays in the queue.
    pub fn receive(&self, kind: i64, wait: bool, buffer: &mut MessageBuffer) -> Result<Option<i64>> {
        let flags = if wait { 0 } else { libc::IPC_NOWAIT };
        let capacity = buffer.capacity;
        // SAFETY: `buffer.words` holds one type followed by `capacity` bytes and is borrowed exclusively.
        let length = unsafe { libc::msgrcv(self.id, buffer.words.as_mut_ptr().cast(), capacity, kind, flags) };
        match usize::try_from(length) {
            Ok(length) => {
                buffer.length = length;
                Ok(Some(buffer.words[0]))
            }
            Err(_) => self.would_block_or_error("receive from").map(|()| None),
        }
    }

    /// The present fill level.
    ///
    /// # Errors
    /// If the queue was removed or denies reading.
    pub fn status(&self) -> Result<QueueStatus> {
        let status = self.read_status()?;
        Ok(QueueStatus { messages: status.msg_qnum, bytes: status.__msg_cbytes, capacity: status.msg_qbytes })
    }

    /// Limits the queue to `bytes` of data.
    ///
    /// # Errors
    /// If that is more than `msgmnb` and this process is not privileged.
    pub fn set_capacity(&self, bytes: u64) -> Result<()> {
        let mut status = self.read_status()?;
        status.msg_qbytes = bytes;
        // SAFETY: IPC_SET reads `status`, a live value of its type.
        self.check(unsafe { libc::msgctl(self.id, libc::IPC_SET, &mut status) }, "resize")
    }

    /// Removes the queue and its messages. Processes that wait on it get an error.
    ///
    /// # Errors
    /// If it was removed before, or belongs to another user.
    pub fn remove(self) -> Result<()> {
        // SAFETY: IPC_RMID ignores the third argument.
        self.check(unsafe { libc::msgctl(self.id, libc::IPC_RMID, std::ptr::null_mut()) }, "remove")
    }

    fn read_status(&self) -> Result<libc::msqid_ds> {
        let mut status = MaybeUninit::<libc::msqid_ds>::zeroed();
        // SAFETY: IPC_STAT fills `status`, a live value of its type.
        self.check(unsafe { libc::msgctl(self.id, libc::IPC_STAT, status.as_mut_ptr()) }, "inspect")?;
        // SAFETY: zero is valid for every field that the kernel did not fill.
        Ok(unsafe { status.assume_init() })
    }

    fn check(&self, result: libc::c_int, operation: &'static str) -> Result<()> {
        if result < 0 { Err(self.error(operation, io::Error::last_os_error())) } else { Ok(()) }
    }

    /// The error of the last call, unless it means that the call would have had to wait.
    fn would_block_or_error(&self, operation: &'static str) -> Result<()> {
        let cause = io::Error::last_os_error();
        match cause.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOMSG | libc::EINTR) => Ok(()),
            _ => Err(self.error(operation, cause)),
        }
    }

    fn error(&self, operation: &'static str, cause: io::Error) -> Error {
        Error::system(operation, format_args!("message queue {}", self.id), cause)
    }
}

impl MessageBuffer {
    /// A buffer for the longest message that the machine allows.
    pub fn new() -> Self {
        Self::with_capacity(max_message_size())
    }

    /// A buffer for messages of up to `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        MessageBuffer { words: vec![0; 1 + capacity.div_ceil(TYPE_SIZE)], capacity, length: 0 }
    }

    /// The data of the message received last.
    pub fn data(&self) -> &[u8] {
        // SAFETY: `words` has room for the type and `capacity` bytes, and `length` is at most `capacity`: msgrcv(2)
        // fails for a longer message. Bytes have no invalid values and no alignment.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().add(1).cast(), self.length) }
    }
}

impl Default for MessageBuffer {
    fn default() -> Self {
        MessageBuffer::new()
    }
}

/// The longest message that the machine allows, bytes (`/proc/sys/kernel/msgmax`); 8192 if that cannot be read.
pub fn max_message_size() -> usize {
    let text = std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap_or_default();
    text.trim().parse().unwrap_or(8192)
}

/// The creator and the user of a queue read and write it, and nobody else.
const MODE: i32 = 0o600;
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
        let (queue, mut buffer) = (Private::new(), MessageBuffer::new());
        assert_eq!(queue.0.receive(0, false, &mut buffer).unwrap(), None);
        for (kind, data) in [(1, &b"one"[..]), (2, b""), (3, b"three")] {
            assert!(queue.0.send(kind, data, false).unwrap());
        }
        let status = queue.0.status().unwrap();
        assert_eq!((status.messages, status.bytes), (3, 8));
        assert_eq!(queue.0.receive(3, false, &mut buffer).unwrap(), Some(3));
        assert_eq!(buffer.data(), b"three");
        assert_eq!(queue.0.receive(0, true, &mut buffer).unwrap(), Some(1));
        assert_eq!(buffer.data(), b"one");
        assert_eq!(queue.0.receive(-5, false, &mut buffer).unwrap(), Some(2));
        assert_eq!(buffer.data(), b"");
        assert_eq!(queue.0.receive(0, false, &mut buffer).unwrap(), None);
    }

    #[test]
    fn nobody_but_its_user_may_use_a_queue() {
        let queue = Private::new();
        let permissions = queue.0.read_status().unwrap().msg_perm;
        assert_eq!(permissions.mode & 0o777, 0o600);
        if permissions.uid == 0 {
            queue.0.give_to(65534).unwrap();
            let given = queue.0.read_status().unwrap().msg_perm;
            assert_eq!((given.uid, given.mode & 0o777), (65534, 0o600));
        }
    }

    #[test]
    fn a_full_queue_refuses_messages() {
        let queue = Private::new();
        queue.0.set_capacity(100).unwrap();
        assert!(queue.0.send(1, &[7; 60], false).unwrap());
        assert!(!queue.0.send(1, &[7; 60], false).unwrap());
        assert_eq!(queue.0.status().unwrap(), QueueStatus { messages: 1, bytes: 60, capacity: 100 });
    }

    #[test]
    fn the_longest_message_goes_through_and_a_longer_one_is_refused() {
        let (queue, mut buffer) = (Private::new(), MessageBuffer::new());
        let longest = vec![b'm'; max_message_size()];
        if longest.len() as u64 > queue.0.status().unwrap().capacity {
            return;
        }
        assert!(queue.0.send(1, &longest, false).unwrap());
        queue.0.receive(0, false, &mut buffer).unwrap();
        assert!(buffer.data() == longest);
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
