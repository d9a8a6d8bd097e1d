//! Messages between two processes without a server: through the ring that the server uses, compared with
//! a socket pair. Each tick of the sender sends a burst; the receiver acknowledges when it has taken all of it.

use crate::tree::cpu_of;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use swoosh::SessionId;
use swoosh::ipc::message::Origin;
use swoosh::ipc::{Mailbox, Message, Reassembly, Sender, Source, sleep_if};
use swoosh::shm::slots::WorkerSlot;
use swoosh::sys::process::{self, Fork};
use swoosh::sys::socket;

/// A transport between two processes, with the work of its sender and of its receiver for one burst.
pub trait Transport {
    /// Sends `burst` messages and waits until all of them have been taken.
    fn send(&mut self, burst: usize, message: &[u8]);
    /// Takes `burst` messages and acknowledges them.
    fn take(&mut self, burst: usize);
}

/// CPU time per message of both processes together, in nanoseconds.
pub fn cpu_per_message(transport: &mut impl Transport, burst: usize, size: usize, bursts: usize) -> f64 {
    let message = vec![7u8; size];
    let child = match process::fork().expect("a process") {
        Fork::Child => loop {
            transport.take(burst);
        },
        Fork::Parent(pid) => pid,
    };
    for _ in 0..bursts / 10 {
        transport.send(burst, &message);
    }
    let cpu = || cpu_of(child as u32) + cpu_of(process::pid() as u32);
    let before = cpu();
    for _ in 0..bursts {
        transport.send(burst, &message);
    }
    let took = cpu() - before;
    process::kill(child, libc::SIGKILL);
    let _ = process::wait_for(child);
    took as f64 / (burst * bursts) as f64
}

/// The mailboxes of the server.
pub struct Rings {
    there: (Mailbox, &'static AtomicU32),
    back: (Mailbox, &'static AtomicU32),
    post: Sender,
    reassembly: Reassembly,
}

impl Rings {
    /// The size of a worker's request ring.
    pub fn new() -> Rings {
        let make = || {
            let rows = swoosh::shm::SharedSlice::<WorkerSlot>::new(1, "a row").expect("shared memory");
            let sleeping = &rows.as_static()[0].sleeping;
            let event_fd = swoosh::ipc::mailbox::new_event_fd().expect("an eventfd");
            (Mailbox::new(1 << 20, "the bench", event_fd, sleeping).expect("shared memory"), sleeping)
        };
        Rings { there: make(), back: make(), post: Sender::default(), reassembly: Reassembly::default() }
    }

    fn push(&self, to: &Mailbox, data: &[u8]) {
        let origin = Origin { session: SessionId(1), port: 0, reactor: 0, time: 0 };
        let packet = Message::Packet { origin, files_checked: false, data };
        self.post.push_all(to, Source::reactor(0), &packet, Duration::from_secs(10)).expect("room");
    }

    fn take_from(&mut self, (mailbox, sleeping): (Mailbox, &AtomicU32), count: usize) {
        let mut missing = count;
        while missing > 0 {
            if let Some(message) = mailbox.take(&mut self.reassembly) {
                self.reassembly.recycle(message.into_payload().expect("a packet"));
                missing -= 1;
            } else if sleep_if(sleeping, || mailbox.is_empty()) {
                socket::wait_readable(&[mailbox.event_fd().as_raw_fd()], None);
                mailbox.event_fd().drain();
                sleeping.store(0, Relaxed);
            }
        }
    }
}

impl Transport for Rings {
    fn send(&mut self, burst: usize, message: &[u8]) {
        for _ in 0..burst {
            self.push(&self.there.0, message);
        }
        self.post.wake_receivers();
        self.take_from(self.back, 1);
    }

    fn take(&mut self, burst: usize) {
        self.take_from(self.there, burst);
        self.push(&self.back.0, b"!");
        self.post.wake_receivers();
    }
}

/// A pair of datagram sockets.
pub struct Sockets {
    here: UnixDatagram,
    there: UnixDatagram,
    room: Vec<u8>,
}

impl Sockets {
    /// With the kernel's default buffer sizes.
    pub fn new() -> Sockets {
        let (here, there) = UnixDatagram::pair().expect("a socket pair");
        Sockets { here, there, room: vec![0; 1 << 17] }
    }
}

impl Transport for Sockets {
    fn send(&mut self, burst: usize, message: &[u8]) {
        for _ in 0..burst {
            self.here.send(message).expect("the receiver is there");
        }
        self.here.recv(&mut self.room).expect("an answer");
    }

    fn take(&mut self, burst: usize) {
        for _ in 0..burst {
            self.there.recv(&mut self.room).expect("the sender is there");
        }
        self.there.send(b"!").expect("the sender waits");
    }
}
