//! Names that `ps` and `top` show: the title of the process and the name of a thread.
//!
//! The kernel shows the memory that it filled with the program's arguments and environment. A title is written over
//! that memory, after the environment has been copied elsewhere.

use crate::error::{Error, Result};
use std::ffi::{CStr, CString};
use std::io;

/// The memory that `ps` shows. There is one per process; a forked process writes to its own copy.
///
/// For stand-alone programs only. An interpreter that embeds this crate has usually moved its environment already and
/// sets titles itself.
///
/// ```no_run
/// let mut title = swoosh_os::title::Title::take()?; // before any thread is started
/// title.set("example: worker 3");
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct Title {
    start: usize,
    length: usize,
}

impl Title {
    /// Takes over the memory of the arguments and the environment.
    ///
    /// Afterwards `std::env::args` returns the title, so read the arguments first. The environment keeps its content.
    /// Its copy, a few kilobytes, is never freed.
    ///
    /// # Errors
    /// If other threads run, since one might read the environment meanwhile, or if `/proc` cannot be read.
    pub fn take() -> Result<Title> {
        if std::fs::read_dir("/proc/self/task").map_or(2, Iterator::count) != 1 {
            let reason = "other threads run; take the title before any is started".to_owned();
            return Err(Error::State { operation: "take the process title", reason });
        }
        let stat =
            std::fs::read_to_string("/proc/self/stat").map_err(|e| Error::system("read", "/proc/self/stat", e))?;
        let [start, end] = title_area(&stat).ok_or_else(|| {
            let cause = io::Error::new(io::ErrorKind::InvalidData, "the addresses of the arguments are missing");
            Error::system("read", "/proc/self/stat", cause)
        })?;
        move_environment(start, end);
        Ok(Title { start, length: end - start })
    }

    /// The longest title in bytes; [`set`](Title::set) truncates longer ones.
    pub fn capacity(&self) -> usize {
        self.length - 1
    }

    /// Shows `title` up to its first NUL byte or [`capacity`](Title::capacity), whichever comes first.
    pub fn set(&mut self, title: &str) {
        let title = title.as_bytes();
        let end = title.iter().position(|&byte| byte == 0).unwrap_or(title.len()).min(self.capacity());
        let area = self.start as *mut u8;
        // SAFETY: the kernel mapped `length` writable bytes at `start`, on the main thread's stack, for the lifetime of
        // the process. `take` has moved the environment away from there, and the arguments are read as C strings, for
        // which the last byte stays NUL: `end` is at most `length - 1`.
        unsafe {
            std::ptr::write_bytes(area, 0, self.length);
            std::ptr::copy_nonoverlapping(title.as_ptr(), area, end);
        }
    }
}

/// Names the calling thread for `top -H` and debuggers (`PR_SET_NAME` of prctl(2)). The kernel keeps 15 bytes.
pub fn name_thread(name: &str) {
    let mut bytes = [0_u8; 16];
    let length = name.len().min(15);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    // SAFETY: `bytes` has 16 bytes and ends with NUL, as PR_SET_NAME requires; it is read during the call only.
    unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
}

/// Start and end address of the arguments and the environment, from the text of `/proc/self/stat` (fields 48 to 51 of
/// proc_pid_stat(5)). They are at least two bytes apart.
fn title_area(stat: &str) -> Option<[usize; 2]> {
    // The second field, the command's name in parentheses, may itself contain blanks and parentheses.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
    let (arg_start, arg_end, env_start, env_end) = (field(48)?, field(49)?, field(50)?, field(51)?);
    let end = if env_start == arg_end { env_end } else { arg_end };
    (arg_start > 0 && end > arg_start + 1).then_some([arg_start, end])
}

/// Replaces the environment's strings that lie between `start` and `end` by copies.
fn move_environment(start: usize, end: usize) {
    // SAFETY: `environ` is an array of C strings that ends with a null pointer, and `take` has checked that no other
    // thread runs that could change it. Each copy is leaked, since the environment may refer to it for good.
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
    // SAFETY: the C library defines `environ` with this type. The caller rules out concurrent changes.
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
        assert_eq!(title_area(&stat), Some([48, 51]));
        assert_eq!(title_area("123 (a) S 1 2"), None);
        assert_eq!(title_area(""), None);
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
                    title.set(&"x".repeat(title.capacity() + 10));
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
