//! `reload_on_change`: decides when changes of files call for new workers.

use crate::config::ServerConfig;
use crate::sys::clock;
use crate::sys::folder_watch::FolderWatch;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Collects changes until no more arrive: a version control system or an editor writes several files at once.
pub(super) struct ChangeWatch {
    watch: FolderWatch,
    extensions: Vec<String>,
    pending: Option<Pending>,
}

/// Changes that no reload has followed yet.
#[derive(Debug, PartialEq)]
struct Pending {
    first: PathBuf,
    /// Milliseconds of the monotonic clock.
    began_at: u64,
    last_at: u64,
}

impl ChangeWatch {
    /// `None` without the setting, and where the folders cannot be watched: the server runs on without it.
    pub(super) fn new(config: &ServerConfig) -> Option<Self> {
        if config.reload_on_change.is_empty() {
            return None;
        }
        let ignored: Vec<_> = config.reload_on_change_ignore.iter().map(Into::into).collect();
        match FolderWatch::new(&config.reload_on_change, &ignored) {
            Ok(watch) => {
                let extensions = config.reload_on_change_extensions.clone();
                Some(ChangeWatch { watch, extensions, pending: None })
            }
            Err(e) => {
                crate::log::error!("reload_on_change has no effect: {e}");
                None
            }
        }
    }

    /// Readable when files have changed.
    pub(super) fn descriptor(&self) -> i32 {
        self.watch.descriptor().as_raw_fd()
    }

    /// The time until pending changes call for a reload, or until a folder that is gone is looked for.
    pub(super) fn delay(&self) -> Option<std::time::Duration> {
        let due = self.pending.as_ref().map(|pending| pending.due_at().saturating_sub(clock::monotonic_ms()));
        let search = (!self.watch.missing().is_empty()).then_some(SEARCH_MS);
        due.into_iter().chain(search).min().map(std::time::Duration::from_millis)
    }

    /// Takes the changes. True once after some, when it has been quiet for a moment.
    pub(super) fn is_due(&mut self) -> bool {
        let now = clock::monotonic_ms();
        let were_missing = self.watch.missing().len();
        let changed = self.watch.changed();
        for root in self.watch.missing().iter().skip(were_missing) {
            crate::log::warn!("reload_on_change: {} is gone; it is watched again when it is back", root.display());
        }
        for path in changed {
            if self.counts(&path) {
                let pending = self.pending.get_or_insert(Pending { first: path, began_at: now, last_at: now });
                pending.last_at = now;
            }
        }
        match self.pending.take_if(|pending| pending.due_at() <= now) {
            Some(pending) => {
                crate::log::info!("{} has changed: workers are replaced", pending.first.display());
                true
            }
            None => false,
        }
    }

    fn counts(&self, path: &Path) -> bool {
        // `.env` is a name without an extension to the standard library. A folder stands for lost events.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|e| self.extensions.iter().any(|known| known.eq_ignore_ascii_case(e))) || path.is_dir()
    }
}

impl Pending {
    fn due_at(&self) -> u64 {
        (self.last_at + QUIET_MS).min(self.began_at + LONGEST_MS)
    }
}

/// The pause that ends a series of changes.
const QUIET_MS: u64 = 100;
/// The interval of the search for a folder that is gone.
const SEARCH_MS: u64 = 500;
/// Changes that never pause are followed by a reload in this interval.
const LONGEST_MS: u64 = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_changes_is_one_reload_after_a_pause_or_after_two_seconds() {
        let pending = |began_at, last_at| Pending { first: PathBuf::new(), began_at, last_at };
        assert_eq!(pending(1000, 1000).due_at(), 1100);
        assert_eq!(pending(1000, 1950).due_at(), 2050);
        assert_eq!(pending(1000, 2990).due_at(), 3000);
    }

    #[test]
    fn only_files_with_the_extensions_count() {
        let folder = tempfile::tempdir().unwrap();
        let config = ServerConfig { reload_on_change: vec![folder.path().to_owned()], ..ServerConfig::default() };
        let mut watch = ChangeWatch::new(&config).unwrap();
        for (name, counts) in [("a.php", true), ("A.PHP", true), (".env", true), ("a.log", false), ("php", false)] {
            assert_eq!(watch.counts(Path::new(name)), counts, "{name}");
        }
        std::fs::write(folder.path().join("app.log"), "1").unwrap();
        assert!(!watch.is_due() && watch.delay().is_none());
        std::fs::write(folder.path().join("app.php"), "1").unwrap();
        assert!(!watch.is_due() && watch.delay().is_some());
        watch.pending.as_mut().unwrap().last_at -= QUIET_MS;
        assert!(watch.is_due());
        assert!(!watch.is_due() && watch.delay().is_none());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_of_the_log_and_not_of_the_server() {
        let missing = vec!["/no/such/folder".into()];
        assert!(ChangeWatch::new(&ServerConfig { reload_on_change: missing, ..ServerConfig::default() }).is_none());
        assert!(ChangeWatch::new(&ServerConfig::default()).is_none());
    }
}
