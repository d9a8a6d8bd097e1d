//! What `ps` and `top` show: the process's title and the thread's name.
//!
//! The kernel shows the memory in which it put the arguments and the environment of the program, so a title is
//! written over them, once the environment has moved away.

use crate::error::{Error, Result};
use std::ffi::{CStr, CString};
use std::io;

/// The memory that `ps` shows. One for each process; forked processes inherit it, each writes its own copy.
///
/// Only for programs of their own. An interpreter that the engine is embedded in has moved its environment already,
/// and sets titles itself.
#[derive(Debug)]
pub struct Title {
    start: usize,
    length: usize,
}

impl Title {
    /// Takes the memory of the arguments and the environment over for titles.
    ///
    /// `std::env::args` gives the title afterwards, so arguments are to be read before. The environment stays as it
    /// is. The copies that this makes of it, some kilobytes, are never freed.
    ///
    /// Fails where other threads run (one might be reading the environment meanwhile) or `/proc` cannot be read.
    pub fn take() -> Result<Title> {
        if std::fs::read_dir("/proc/self/task").map_or(2, Iterator::count) != 1 {
            let reason = "other threads run; take the title before any is begun".to_owned();
            return Err(Error::State { operation: "take the process title", reason });
        }
        let stat =
            std::fs::read_to_string("/proc/self/stat").map_err(|e| Error::system("read", "/proc/self/stat", e))?;
        let [start, end] = area(&stat).ok_or_else(|| {
            let cause = io::Error::new(io::ErrorKind::InvalidData, "it does not tell where the arguments are");
            Error::system("read", "/proc/self/stat", cause)
        })?;
        move_environment(start, end);
        Ok(Title { start, length: end - start })
    }

    /// Bytes a title may have; what is longer is cut off.
    pub fn room(&self) -> usize {
        self.length - 1
    }

    /// Shows `title` from now on, up to its first NUL byte or [`room`](Title::room).
    pub fn set(&mut self, title: &str) {
        let title = title.as_bytes();
        let end = title.iter().position(|&byte| byte == 0).unwrap_or(title.len()).min(self.room());
        let area = self.start as *mut u8;
        // SAFETY: the kernel mapped `length` writable bytes at `start`, on the stack of the main thread, for as long as
        // the process lives. Nobody reads the environment there any more (`take` moved it), and the arguments are read
        // as C strings, for which the last byte stays NUL. `end` is at most `length - 1`.
        unsafe {
            std::ptr::write_bytes(area, 0, self.length);
            std::ptr::copy_nonoverlapping(title.as_ptr(), area, end);
        }
    }
}

/// Names the calling thread, for `top -H` and debuggers; the kernel keeps 15 bytes.
pub fn name_thread(name: &str) {
    let mut bytes = [0_u8; 16];
    let length = name.len().min(15);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    // SAFETY: `bytes` is 16 bytes long and ends with NUL, as PR_SET_NAME wants it; it is read during the call only.
    unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
}

/// Where arguments and environment lie, from the text of `/proc/self/stat` (fields 48 to 51 of proc_pid_stat(5)):
/// the beginning and the end, at least two bytes apart.
fn area(stat: &str) -> Option<[usize; 2]> {
    // The second field, the command's name in parentheses, may itself have blanks and parentheses.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
    let (arg_start, arg_end, env_start, env_end) = (field(48)?, field(49)?, field(50)?, field(51)?);
    let end = if env_start == arg_end { env_end } else { arg_end };
    (arg_start > 0 && end > arg_start + 1).then_some([arg_start, end])
}

/// Points the environment at copies of those strings that lie between `start` and `end`.
fn move_environment(start: usize, end: usize) {
    // SAFETY: `environ` is an array of C strings that ends with a null pointer, and there is no other thread that
    // could change it meanwhile. Each copy is leaked, since the environment may hold on to it for good.
    unsafe {
        let mut entry = libc_environ();
        while !entry.is_null() && !(*entry).is_null() {
            if (start..end).contains(&(*entry as usize)) {
                let copy: CString = CStr::from_ptr(*entry).to_owned();
                *entry = copy.into_raw();
            }
            entry = entry.add(1);
        }
    }
}

/// The C library's `environ`.
///
/// # Safety
/// No other thread may change the environment while the result is used.
unsafe fn libc_environ() -> *mut *mut libc::c_char {
    unsafe extern "C" {
        static mut environ: *mut *mut libc::c_char;
    }
    // SAFETY: the C library defines `environ` with this type, and the caller sees to the rest.
    unsafe { environ }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    #[test]
    fn the_area_is_found_behind_any_command_name() {
        let numbers: Vec<String> = (4..=52).map(|n| if n == 50 { "49".into() } else { n.to_string() }).collect();
        let stat = format!("123 (a) b (c)) S {}", numbers.join(" "));
        assert_eq!(area(&stat), Some([48, 51]));
        assert_eq!(area("123 (a) S 1 2"), None);
        assert_eq!(area(""), None);
    }

    #[test]
    fn a_process_shows_its_title_and_keeps_its_environment() {
        let before: Vec<_> = std::env::vars_os().collect();
        // SAFETY: the child is single-threaded, allocates only (which the C library keeps usable) and ends at once.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                let good = std::panic::catch_unwind(|| {
                    let mut title = Title::take().unwrap();
                    title.set("a title that is longer");
                    title.set("swoosh: worker 3\0hidden");
                    let shown = std::fs::read("/proc/self/cmdline").unwrap();
                    let kept = std::env::vars_os().collect::<Vec<_>>() == before;
                    title.set(&"x".repeat(title.room() + 10));
                    shown.trim_ascii_end().starts_with(b"swoosh: worker 3\0")
                        && shown[16..].iter().all(|&byte| byte == 0)
                        && kept
                        && std::env::vars_os().collect::<Vec<_>>() == before
                });
                // SAFETY: the test's exit handlers belong to the parent.
                unsafe { libc::_exit(if matches!(good, Ok(true)) { 0 } else { 1 }) }
            }
            ForkResult::Parent { child } => {
                assert!(matches!(waitpid(child, None).unwrap(), WaitStatus::Exited(_, 0)));
            }
        }
    }

    #[test]
    fn a_title_is_refused_while_other_threads_run() {
        let other = std::thread::spawn(std::thread::park);
        assert!(matches!(Title::take(), Err(Error::State { .. })));
        other.thread().unpark();
        other.join().unwrap();
    }

    #[test]
    fn a_thread_shows_the_first_fifteen_bytes_of_its_name() {
        std::thread::spawn(|| {
            name_thread("reactor-12 and more");
            assert_eq!(std::fs::read_to_string("/proc/thread-self/comm").unwrap(), "reactor-12 and \n");
        })
        .join()
        .unwrap();
    }
}
