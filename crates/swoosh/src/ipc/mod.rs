//! The border between processes: what a message looks like, where it is put, and who is woken.
//!
//! A message is pushed into the target's [`Mailbox`], a ring in shared memory. Its bell is rung once for all that a turn
//! of the sender's loop has pushed, and only if the target sleeps. A payload longer than a ring takes at once travels in
//! pieces, which [`Assembler`] joins; pieces of one sender are never mixed.

pub mod backlog;
pub mod handover;
pub mod spill;

use crate::error::Result;
use crate::shm::ring::{Meta, Ring, RingFull};
use crate::sys::event_fd::EventFd;
use crate::sys::{clock, process};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// What a message is about. The numbers of the first three are what `dispatch_func` is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    // reactor -> worker
    Data = 0,
    Close = 4,
    Connect = 5,
    Packet = 6,
    BufferFull = 7,
    BufferEmpty = 8,
    // process -> process
    Message = 20,
    Task = 21,
    Finish = 22,
    // process -> owner of a connection
    Send = 40,
    SendFile = 41,
    /// User code is done with it; `flags` 1: reset it.
    Finished = 42,
    /// The server wants it closed; its worker is told first. `flags` 1: reset it.
    CloseWanted = 43,
    Pause = 44,
    Resume = 45,
    Confirm = 46,
}

impl Kind {
    fn from_number(n: u8) -> Option<Self> {
        use Kind::*;
        [
            Data,
            Close,
            Connect,
            Packet,
            BufferFull,
            BufferEmpty,
            Message,
            Task,
            Finish,
            Send,
            SendFile,
            Finished,
            CloseWanted,
            Pause,
            Resume,
            Confirm,
        ]
        .into_iter()
        .find(|k| *k as u8 == n)
    }
}

/// A message's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it is about.
    pub kind: Kind,
    /// Who sent it: a worker's id, or [`REACTOR`] plus a reactor's.
    pub from: u16,
    /// Bits whose meaning depends on the kind.
    pub flags: u32,
    /// Session id, task id or the like.
    pub id: u64,
    /// When it was sent: nanoseconds since the epoch.
    pub time: u64,
    /// Port index, or what the kind says.
    pub extra: u32,
    /// The connection's reactor, or what the kind says.
    pub reactor: u16,
}

/// Added to a reactor's number where it is a message's sender.
pub const REACTOR: u16 = 0x8000;
/// The manager as a message's sender, and the master.
pub const MANAGER: u16 = 0xFFFE;
/// Processes that user code has forked, as senders: a number from here on for each, so that the pieces of what two of them
/// send are not mixed.
pub const FOREIGN_CHILD: u16 = 0xC000;
/// How many numbers they have.
pub const FOREIGN_CHILDREN: i32 = 0x3F00;

/// The bit of a message's flags that says: its payload begins with the number of a file, which its worker's
/// [`FdChannel`](crate::sys::fd_channel::FdChannel) has.
pub const WITH_FILE: u32 = 1 << 30;
/// The bit that says: no file answers this request of HTTP, its connection's owner has looked.
pub const NO_FILE: u32 = 1 << 29;
/// The bit of [`Kind::Send`] that says: a file comes behind these bytes.
pub const BEFORE_FILE: u32 = 1;

const FIRST: u64 = 1;
const MORE: u64 = 2;

impl Head {
    fn pack(&self, pieces: u64) -> Meta {
        let first = self.kind as u64 | pieces << 8 | u64::from(self.from) << 16 | u64::from(self.flags) << 32;
        [first, self.id, self.time, u64::from(self.extra) | u64::from(self.reactor) << 32]
    }

    /// The head as words, for a queue that is not a ring.
    pub(crate) fn words(&self) -> Meta {
        self.pack(FIRST)
    }

    fn unpack(meta: &Meta) -> Option<(Head, u64)> {
        let head = Head {
            kind: Kind::from_number(meta[0] as u8)?,
            from: (meta[0] >> 16) as u16,
            flags: (meta[0] >> 32) as u32,
            id: meta[1],
            time: meta[2],
            extra: meta[3] as u32,
            reactor: (meta[3] >> 32) as u16,
        };
        Some((head, meta[0] >> 8 & 3))
    }
}

/// Where messages for one process or reactor thread are put.
#[derive(Clone, Copy)]
pub struct Mailbox {
    ring: Ring,
    /// Rings for the process, whichever of its mailboxes got something.
    event_fd: &'static EventFd,
    sleeping: &'static AtomicU32,
}

impl Mailbox {
    /// A mailbox of `capacity` bytes for whoever waits on `bell` and says so in `sleeping`.
    pub fn new(
        capacity: usize,
        purpose: &str,
        event_fd: &'static EventFd,
        sleeping: &'static AtomicU32,
    ) -> Result<Self> {
        Ok(Mailbox { ring: Ring::new(capacity, purpose)?, event_fd, sleeping })
    }

    /// Messages that wait.
    pub fn len(&self) -> u64 {
        self.ring.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Who rings when something comes.
    pub fn event_fd(&self) -> &'static EventFd {
        self.event_fd
    }

    /// Takes the oldest message, joined from its pieces. `assembler` is the consumer's own, one for each mailbox.
    pub fn take(&self, assembler: &mut Assembler) -> Option<Message> {
        loop {
            let message = self.ring.pop(|meta, data| {
                let (head, pieces) = Head::unpack(meta)?;
                assembler.add(head, pieces, data)
            })?;
            if let Some(message) = message {
                return Some(message);
            }
        }
    }
}

/// A whole message.
#[derive(Debug)]
pub struct Message {
    /// What it is about.
    pub head: Head,
    /// Its payload, which whoever keeps it shares.
    pub data: Rc<Vec<u8>>,
}

/// Joins the pieces of long messages. What a killed sender left unfinished is dropped when its successor begins; so is
/// the rest of a message whose beginning went with a killed receiver.
#[derive(Debug, Default)]
pub struct Assembler {
    open: HashMap<u16, Vec<u8>>,
    spare: Vec<Rc<Vec<u8>>>,
}

impl Assembler {
    fn add(&mut self, head: Head, pieces: u64, data: &[u8]) -> Option<Message> {
        if pieces == FIRST {
            let mut whole = self.spare.pop().unwrap_or_default();
            let room = Rc::make_mut(&mut whole);
            room.clear();
            room.extend_from_slice(data);
            return Some(Message { head, data: whole });
        }
        if pieces & FIRST != 0 {
            self.open.entry(head.from).or_default().clear();
        }
        let open = self.open.get_mut(&head.from)?;
        open.extend_from_slice(data);
        if pieces & MORE != 0 {
            return None;
        }
        self.open.remove(&head.from).map(|data| Message { head, data: Rc::new(data) })
    }

    /// Whether the rest of a message has yet to come.
    pub fn is_joining(&self) -> bool {
        !self.open.is_empty()
    }

    /// A message that came whole, by another way than a ring.
    pub(crate) fn whole(&mut self, words: &Meta, data: &[u8]) -> Option<Message> {
        let (head, _) = Head::unpack(words)?;
        self.add(head, FIRST, data)
    }

    /// Gives a payload's memory back for the next one.
    pub fn recycle(&mut self, message: Message) {
        let is_shared = Rc::strong_count(&message.data) > 1;
        if !is_shared && message.data.capacity() <= SPARE_LIMIT && self.spare.len() < SPARES {
            self.spare.push(message.data);
        }
    }
}

/// A sender: one for each process and reactor thread. A reactor's remembers whose bells to ring at the end of the turn;
/// a process that runs user code rings at once, for that code may go on for long.
#[derive(Default)]
pub struct Sender {
    to_ring: RefCell<Vec<(&'static AtomicU32, &'static EventFd)>>,
    at_once: bool,
}

impl Sender {
    /// A sender that rings at once.
    pub fn at_once() -> Self {
        Sender { at_once: true, ..Sender::default() }
    }

    /// Puts one message into a mailbox, if there is room for all of it. Longer than a ring takes at once: see
    /// [`push_patiently`](Sender::push_patiently).
    pub fn push(&self, to: &Mailbox, head: &Head, parts: &[&[u8]]) -> Result<(), RingFull> {
        to.ring.push(&head.pack(FIRST), parts)?;
        self.remember(to);
        Ok(())
    }

    /// Puts one piece of a long message, which begins at `from` bytes of its payload; how far it got.
    pub(crate) fn push_piece(&self, to: &Mailbox, head: &Head, data: &[u8], from: usize) -> Result<usize, RingFull> {
        let end = data.len().min(from + to.ring.longest());
        let first = if from == 0 { FIRST } else { 0 };
        let more = if end < data.len() { MORE } else { 0 };
        to.ring.push(&head.pack(first | more), &[&data[from..end]])?;
        self.remember(to);
        Ok(end)
    }

    /// Puts a message of any length, waiting for room up to `patience`. A long message that found no room for its first
    /// piece has left no trace; one that got stuck later is dropped by the receiver.
    pub fn push_patiently(&self, to: &Mailbox, head: &Head, data: &[u8], patience: Duration) -> Result<(), RingFull> {
        self.push_while(to, head, data, patience, || false)
    }

    /// The same; while there is no room, `meanwhile` is called. Where that did something, it may have made room.
    pub fn push_while(
        &self,
        to: &Mailbox,
        head: &Head,
        data: &[u8],
        patience: Duration,
        mut meanwhile: impl FnMut() -> bool,
    ) -> Result<(), RingFull> {
        let mut from = 0;
        let mut until = None;
        let mut tries = 0u32;
        loop {
            match self.push_piece(to, head, data, from) {
                Ok(end) if end == data.len() => return Ok(()),
                Ok(end) => (from, until) = (end, None),
                Err(RingFull) => {
                    let now = clock::monotonic_ms();
                    if now > *until.get_or_insert(now + patience.as_millis() as u64) {
                        return Err(RingFull);
                    }
                    self.ring_all();
                    to.event_fd.notify();
                    tries += 1;
                    if meanwhile() {
                        tries = 0;
                        continue;
                    }
                    std::thread::sleep(Duration::from_micros(if tries < 10 { 20 } else { 300 }));
                }
            }
        }
    }

    fn remember(&self, to: &Mailbox) {
        if self.at_once {
            // Orders what was pushed before the look at the flag; its counterpart is in `sleep_if`.
            std::sync::atomic::fence(SeqCst);
            ring_sleeper(to.sleeping, to.event_fd);
            return;
        }
        let mut list = self.to_ring.borrow_mut();
        if !list.iter().any(|(flag, _)| std::ptr::eq(*flag, to.sleeping)) {
            list.push((to.sleeping, to.event_fd));
        }
    }

    /// Rings for everybody who was given something and sleeps. The end of each turn.
    pub fn ring_all(&self) {
        let mut list = self.to_ring.borrow_mut();
        if list.is_empty() {
            return;
        }
        // Orders what was pushed before the look at the flag; its counterpart is in `sleep_if`.
        std::sync::atomic::fence(SeqCst);
        for (flag, event_fd) in list.drain(..) {
            ring_sleeper(flag, event_fd);
        }
    }

    /// How many bells wait to be rung.
    pub fn waiting(&self) -> usize {
        self.to_ring.borrow().len()
    }
}

fn ring_sleeper(flag: &AtomicU32, event_fd: &EventFd) {
    if flag.load(SeqCst) == 1 && flag.swap(0, SeqCst) == 1 {
        event_fd.notify();
    }
}

/// Says that this process is about to wait for its bell, unless something has come: then `false`, and it must look.
pub fn sleep_if(sleeping: &AtomicU32, nothing_waits: impl Fn() -> bool) -> bool {
    sleeping.store(1, SeqCst);
    std::sync::atomic::fence(SeqCst);
    if nothing_waits() {
        return true;
    }
    sleeping.store(0, SeqCst);
    false
}

/// A message's sender as a process of the server, if it is one.
pub fn sender_of(head: &Head) -> Option<u32> {
    (head.from < REACTOR).then_some(u32::from(head.from))
}

/// Which process sends: for names of files that only it writes.
pub(crate) fn own_mark() -> String {
    format!("{}-{}", process::pid(), clock::monotonic_ms())
}

/// Payloads whose memory is kept.
const SPARES: usize = 2;
/// Payload memory above this is not kept for the next message.
const SPARE_LIMIT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Fork, fork};

    fn mailbox(capacity: usize) -> Mailbox {
        let flag: &'static AtomicU32 = Box::leak(Box::default());
        Mailbox::new(capacity, "a test", crate::state::new_event_fd().unwrap(), flag).unwrap()
    }

    fn head(kind: Kind, from: u16) -> Head {
        Head { kind, from, flags: 5, id: u64::MAX, time: 77, extra: u32::MAX, reactor: 9 }
    }

    #[test]
    fn a_head_survives_packing() {
        for kind in [Kind::Data, Kind::Packet, Kind::Confirm] {
            let head = head(kind, 0xFFFE);
            assert_eq!(Head::unpack(&head.pack(FIRST | MORE)), Some((head, 3)));
        }
        assert!(Head::unpack(&[255, 0, 0, 0]).is_none());
    }

    #[test]
    fn a_message_longer_than_the_ring_arrives_whole_between_others() {
        let mailbox = mailbox(8192);
        let long: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let Fork::Parent(pid) = fork().unwrap() else {
            let sender = Sender::default();
            let patience = Duration::from_secs(5);
            sender.push_patiently(&mailbox, &head(Kind::Data, 1), b"before", patience).unwrap();
            sender.push_patiently(&mailbox, &head(Kind::Data, 1), &long, patience).unwrap();
            sender.push_patiently(&mailbox, &head(Kind::Data, 1), b"", patience).unwrap();
            process::exit_now(0);
        };
        let mut assembler = Assembler::default();
        let mut got = Vec::new();
        while got.len() < 3 {
            got.extend(mailbox.take(&mut assembler).map(|l| l.data.to_vec()));
        }
        assert_eq!(got, vec![b"before".to_vec(), long, Vec::new()]);
        process::wait_for(pid).unwrap();
    }

    #[test]
    fn pieces_of_a_sender_that_died_are_dropped_when_it_sends_again() {
        let mailbox = mailbox(8192);
        let (sender, mut assembler) = (Sender::default(), Assembler::default());
        let long = vec![1; 10_000];
        let end = sender.push_piece(&mailbox, &head(Kind::Data, 1), &long, 0).unwrap();
        assert!(end < long.len());
        sender.push(&mailbox, &head(Kind::Data, 2), &[b"other"]).unwrap();
        let mut from = 0;
        let second = vec![2; 5000];
        let mut got = Vec::new();
        while from < second.len() {
            from = sender.push_piece(&mailbox, &head(Kind::Data, 1), &second, from).unwrap();
            got.extend(mailbox.take(&mut assembler).map(|l| l.data.to_vec()));
        }
        got.extend(mailbox.take(&mut assembler).map(|l| l.data.to_vec()));
        assert_eq!(got, vec![b"other".to_vec(), second]);
    }

    #[test]
    fn the_rest_of_a_message_whose_beginning_is_gone_is_dropped() {
        let mailbox = mailbox(8192);
        let sender = Sender::default();
        let long = vec![1; 5000];
        let mut from = 0;
        for _ in 0..2 {
            from = sender.push_piece(&mailbox, &head(Kind::Data, 1), &long, from).unwrap();
        }
        assert!(mailbox.take(&mut Assembler::default()).is_none());
        sender.push_piece(&mailbox, &head(Kind::Data, 1), &long, from).unwrap();
        sender.push(&mailbox, &head(Kind::Data, 1), &[b"next"]).unwrap();
        assert_eq!(mailbox.take(&mut Assembler::default()).unwrap().data.as_slice(), b"next");
    }

    #[test]
    fn a_full_mailbox_gives_up_after_its_patience() {
        let mailbox = mailbox(4096);
        let sender = Sender::default();
        while sender.push(&mailbox, &head(Kind::Data, 1), &[&[0; 500]]).is_ok() {}
        assert_eq!(
            sender.push_patiently(&mailbox, &head(Kind::Data, 1), &[0; 500], Duration::from_millis(5)),
            Err(RingFull)
        );
    }

    #[test]
    fn a_bell_is_rung_only_for_a_sleeper() {
        let mailbox = mailbox(4096);
        let sender = Sender::default();
        assert!(sleep_if(mailbox.sleeping, || mailbox.is_empty()));
        sender.push(&mailbox, &head(Kind::Data, 1), &[b"x"]).unwrap();
        assert_eq!(sender.waiting(), 1);
        sender.ring_all();
        assert_eq!(mailbox.sleeping.load(SeqCst), 0);
        assert!(!sleep_if(mailbox.sleeping, || mailbox.is_empty()));
    }
}
