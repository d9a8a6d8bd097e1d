//! A parent process passes open files to its child over a channel that existed before the fork.
//!
//! The files have no names, so the child could not open them by itself. It asks for them by number, in any order.
//!
//! Run: `cargo run -p swoosh-os --example descriptor_passing`

use std::io::Write;
use swoosh_os::Result;
use swoosh_os::event_fd::EventFd;
use swoosh_os::fd_channel::FdChannel;
use swoosh_os::process::{self, Fork};
use swoosh_os::socket::wait_readable;
use swoosh_os::temp_file::TempFile;

fn main() -> Result<()> {
    let channel = FdChannel::new()?;
    let sent = EventFd::new()?;
    match process::fork()? {
        Fork::Child => {
            let code = child(&channel, &sent).map_or_else(|e| fail(&e), |()| 0);
            process::exit_now(code)
        }
        Fork::Parent(child) => {
            for (number, text) in [(1, "first file"), (2, "second file")] {
                let mut file = TempFile::new(&std::env::temp_dir())?;
                file.append(text.as_bytes())?;
                channel.send(number, file.file())?;
            }
            sent.notify();
            let exit = process::wait_for(child)?;
            println!("the child exited with status {}", exit.exit_code());
            Ok(())
        }
    }
}

fn child(channel: &FdChannel, sent: &EventFd) -> Result<()> {
    use std::os::fd::AsRawFd;
    wait_readable(&[sent.as_raw_fd()], None);
    let mut unsent = Vec::new();
    for number in [2, 1, 3] {
        match channel.receive(number, &mut unsent)? {
            Some(file) => {
                let file = TempFile::from_file(file)?;
                let text = file.read(0..file.len())?;
                println!("file {number}: {}", String::from_utf8_lossy(&text));
            }
            None => println!("file {number}: not sent"),
        }
    }
    // `exit_now` flushes no buffers.
    let _ = std::io::stdout().flush();
    Ok(())
}

fn fail(error: &swoosh_os::Error) -> i32 {
    eprintln!("{error}");
    1
}
