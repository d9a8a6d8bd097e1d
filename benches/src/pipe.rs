//! Round trips of 100 bytes between two processes: through `pool::Pipe`, and through bare system calls over a socket pair.

use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::time::Instant;
use swoosh::pool::{Child, PipeKind, Process};

/// The time of one round trip through `pool::Pipe`, in microseconds.
pub fn ours() -> f64 {
    let process = Process::spawn(Some(PipeKind::Datagram), |child: &Child| {
        let Some(pipe) = child.pipe() else { return 1 };
        let mut room = [0; 8192];
        while let Ok(len @ 2..) = pipe.receive(&mut room) {
            let _ = pipe.send(&room[..len]);
        }
        0
    })
    .expect("a process");
    let pipe = process.pipe().expect("a pipe was wanted");
    let mut room = [0; 8192];
    let took = timed(|| {
        pipe.send(&[7; SIZE]).expect("room");
        assert_eq!(pipe.receive(&mut room).expect("an answer"), SIZE);
    });
    pipe.send(b"x").expect("room");
    process.wait().expect("its end");
    took
}

/// The time of one round trip by send(2) and recv(2), as in a C program, in microseconds.
pub fn bare() -> f64 {
    let (here, there) = UnixDatagram::pair().expect("a socket pair");
    let process = Process::spawn(None, |_: &Child| {
        let mut room = [0; 8192];
        loop {
            let len = receive(there.as_raw_fd(), &mut room);
            if len < 2 {
                return 0;
            }
            send(there.as_raw_fd(), &room[..len as usize]);
        }
    })
    .expect("a process");
    let mut room = [0; 8192];
    let took = timed(|| {
        send(here.as_raw_fd(), &[7; SIZE]);
        assert_eq!(receive(here.as_raw_fd(), &mut room), SIZE as isize);
    });
    send(here.as_raw_fd(), b"x");
    process.wait().expect("its end");
    took
}

fn timed(mut round: impl FnMut()) -> f64 {
    (0..ROUNDS / 10).for_each(|_| round());
    let begun = Instant::now();
    (0..ROUNDS).for_each(|_| round());
    begun.elapsed().as_nanos() as f64 / 1e3 / f64::from(ROUNDS)
}

fn send(fd: RawFd, data: &[u8]) -> isize {
    // SAFETY: the kernel reads `data` only.
    unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL) }
}

fn receive(fd: RawFd, room: &mut [u8]) -> isize {
    // SAFETY: the kernel writes into `room` only.
    unsafe { libc::recv(fd, room.as_mut_ptr().cast(), room.len(), 0) }
}

const SIZE: usize = 100;
const ROUNDS: u32 = 10_000;
