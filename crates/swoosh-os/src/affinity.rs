//! Restricts threads to cores of the machine (sched_setaffinity(2)).
//!
//! ```
//! let cores = swoosh_os::affinity::cores()?;
//! assert!(!cores.is_empty());
//! # Ok::<(), swoosh_os::Error>(())
//! ```

use crate::error::{Error, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The cores that the calling thread may use, ascending. A cpuset or an earlier binding leaves fewer than the machine
/// has.
pub fn cores() -> Result<Vec<u32>> {
    let set = sched_getaffinity(THIS_THREAD).map_err(|e| Error::system("read the cores of", "this thread", e))?;
    Ok((0..CpuSet::count()).filter(|&core| set.is_set(core) == Ok(true)).map(|core| core as u32).collect())
}

/// Binds the calling thread, and the threads and processes it creates from now on, to one core.
///
/// # Errors
/// If the core does not exist or the thread may not use it.
pub fn bind_to_core(core: u32) -> Result<()> {
    let refused = |e: nix::Error| Error::system("bind this thread to", format_args!("core {core}"), e);
    let mut set = CpuSet::new();
    set.set(core as usize).map_err(refused)?;
    sched_setaffinity(THIS_THREAD, &set).map_err(refused)
}

/// Binds the calling thread, and the threads and processes it creates from now on, to a set of cores.
///
/// # Errors
/// If the thread may use none of them, or one of them is beyond the kernel's limit.
pub fn bind_to_cores(cores: &[u32]) -> Result<()> {
    let refused = |e: nix::Error| Error::system("bind this thread to", format_args!("cores {cores:?}"), e);
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core as usize).map_err(refused)?;
    }
    sched_setaffinity(THIS_THREAD, &set).map_err(refused)
}

/// Binds the calling thread to core number `n`, modulo their count, of those it may use and that are not in `ignored`.
/// If that fails, the thread keeps its cores.
pub fn bind_to_nth(n: usize, ignored: &[u32]) {
    let mut usable = cores().unwrap_or_default();
    usable.retain(|core| !ignored.contains(core));
    if !usable.is_empty() {
        let _ = bind_to_core(usable[n % usable.len()]);
    }
}

const THIS_THREAD: Pid = Pid::from_raw(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_bound_to_a_core_has_only_that_one() {
        std::thread::spawn(|| {
            let last = *cores().unwrap().last().unwrap();
            bind_to_core(last).unwrap();
            assert_eq!(cores().unwrap(), [last]);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_core_that_does_not_exist_is_named_in_the_error() {
        assert!(bind_to_core(1_000_000).unwrap_err().to_string().starts_with("bind this thread to core 1000000: "));
    }
}
