//! Changes of files below folders, inotify(7).

use crate::error::{Error, Result};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// Watches folders with all folders in them. Symbolic links are not followed.
///
/// ```
/// use swoosh_os::folder_watch::FolderWatch;
///
/// let folder = std::env::temp_dir().join(format!("swoosh-folder-watch-{}", std::process::id()));
/// std::fs::create_dir(&folder)?;
/// let mut watch = FolderWatch::new(&[folder.clone()], &["cache".into()])?;
/// assert!(watch.changed().is_empty());
/// std::fs::write(folder.join("page.html"), "new")?;
/// assert_eq!(watch.changed(), [folder.join("page.html")]);
/// std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FolderWatch {
    inotify: Inotify,
    roots: Vec<PathBuf>,
    ignored: Vec<OsString>,
    folders: HashMap<WatchDescriptor, PathBuf>,
    /// Roots that were removed or renamed.
    missing: Vec<PathBuf>,
}

impl FolderWatch {
    /// Watches `roots`, without the folders below them that have one of the names `ignored`.
    ///
    /// # Errors
    /// A root is not a folder or cannot be read, or the kernel watches no more folders for this user.
    pub fn new(roots: &[PathBuf], ignored: &[OsString]) -> Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(|e| Error::system("inotify_init1", "", e))?;
        let (roots, ignored) = (roots.to_vec(), ignored.to_vec());
        let mut watch = FolderWatch { inotify, roots, ignored, folders: HashMap::new(), missing: Vec::new() };
        for root in watch.roots.clone() {
            watch.add(&root, &mut Vec::new())?;
        }
        Ok(watch)
    }

    /// Readable when there are changes.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// The roots that were removed or renamed. They are watched again by the first call of [`changed`](Self::changed) that
    /// finds folders of their names; the kernel reports nothing then.
    pub fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// The files that were written, replaced, created or removed since the last call, each at least once. Never waits.
    /// Where the kernel lost events, the roots stand for everything below them.
    pub fn changed(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for root in std::mem::take(&mut self.missing) {
            match self.add(&root, &mut Vec::new()) {
                Ok(()) => changed.push(root),
                Err(_) => self.missing.push(root),
            }
        }
        // EAGAIN: no more events.
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                self.handle(event, &mut changed);
            }
        }
        changed
    }

    fn handle(&mut self, event: InotifyEvent, changed: &mut Vec<PathBuf>) {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            for root in self.roots.clone() {
                // A root that is gone was a change as well.
                let _ = self.add(&root, &mut Vec::new());
                changed.push(root);
            }
            return;
        }
        if event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_MOVE_SELF) {
            if let Some(folder) = self.folders.get(&event.wd).cloned() {
                self.forget(&folder);
            }
            return;
        }
        let (Some(folder), Some(name)) = (self.folders.get(&event.wd), &event.name) else { return };
        let path = folder.join(name);
        if !event.mask.contains(AddWatchFlags::IN_ISDIR) {
            // A new file is complete when it is closed; a link is never opened.
            if !event.mask.contains(AddWatchFlags::IN_CREATE) || path.is_symlink() {
                changed.push(path);
            }
        } else if event.mask.contains(AddWatchFlags::IN_MOVED_FROM) {
            // It is found under its new name, if that is below a root.
            self.forget(&path);
        } else if event.mask.intersects(AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO) {
            // It may be gone again, or hold files already.
            let _ = self.add(&path, changed);
        }
    }

    /// Ends the watch of a folder and of those in it.
    fn forget(&mut self, folder: &Path) {
        let inotify = &self.inotify;
        self.folders.retain(|&watched, path| {
            let is_in = path.starts_with(folder);
            if is_in {
                // Fails where the kernel has ended it.
                let _ = inotify.rm_watch(watched);
            }
            !is_in
        });
        let is_in = |root: &&PathBuf| root.starts_with(folder);
        let lost: Vec<_> =
            self.roots.iter().filter(is_in).filter(|root| !self.missing.contains(root)).cloned().collect();
        self.missing.extend(lost);
    }

    /// Watches a folder and those in it; adds the files that it has to `found`.
    fn add(&mut self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        if folder.file_name().is_some_and(|name| self.ignored.iter().any(|ignored| ignored == name)) {
            return Ok(());
        }
        let events = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        let subject = || folder.display().to_string();
        let watched = self.inotify.add_watch(folder, events).map_err(|errno| match errno {
            Errno::ENOSPC => Error::State {
                operation: "watch",
                reason: format!("{}: the kernel watches no more folders; raise fs.inotify.max_user_watches", subject()),
            },
            errno => Error::system("watch", subject(), errno),
        })?;
        self.folders.insert(watched, folder.to_owned());
        let entries = fs::read_dir(folder).map_err(|e| Error::system("read", subject(), e))?;
        for entry in entries.flatten() {
            match entry.file_type() {
                // A folder that was removed meanwhile is not watched.
                Ok(kind) if kind.is_dir() => match self.add(&entry.path(), found) {
                    Err(Error::System { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {}
                    other => other?,
                },
                _ => found.push(entry.path()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(ignored: &[OsString]) -> (tempfile::TempDir, FolderWatch) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        fs::create_dir_all(folder.path().join("vendor/other")).unwrap();
        let watch = FolderWatch::new(&[folder.path().to_owned()], ignored).unwrap();
        (folder, watch)
    }

    #[test]
    fn writes_replacements_and_removals_at_any_depth_are_seen() {
        let (folder, mut watch) = watched(&[]);
        let at = |name: &str| folder.path().join(name);
        fs::write(at("src/deep/a"), "1").unwrap();
        assert_eq!(watch.changed(), [at("src/deep/a")]);
        fs::write(at("new"), "2").unwrap();
        fs::rename(at("new"), at("src/deep/a")).unwrap();
        assert_eq!(watch.changed(), [at("new"), at("new"), at("src/deep/a")]);
        fs::remove_file(at("src/deep/a")).unwrap();
        assert_eq!(watch.changed(), [at("src/deep/a")]);
        fs::read(at("src/deep/a")).unwrap_err();
        assert!(watch.changed().is_empty());
    }

    #[test]
    fn a_new_folder_is_watched_with_the_files_that_it_has() {
        let (folder, mut watch) = watched(&[]);
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("more/inner")).unwrap();
        fs::write(at("more/inner/first"), "1").unwrap();
        assert_eq!(watch.changed(), [at("more/inner/first")]);
        fs::write(at("more/inner/second"), "2").unwrap();
        assert_eq!(watch.changed(), [at("more/inner/second")]);
        fs::remove_dir_all(at("more")).unwrap();
        assert_eq!(watch.changed().len(), 2);
    }

    #[test]
    fn a_root_that_is_replaced_is_watched_again() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("app");
        fs::create_dir_all(root.join("src")).unwrap();
        let mut watch = FolderWatch::new(std::slice::from_ref(&root), &[]).unwrap();
        let removals: [fn(&PathBuf) -> std::io::Result<()>; 2] =
            [|path| fs::remove_dir_all(path), |path| fs::rename(path, path.with_extension("old"))];
        for remove in removals {
            remove(&root).unwrap();
            watch.changed();
            assert_eq!(watch.missing(), std::slice::from_ref(&root));
            assert!(watch.changed().is_empty());
            fs::create_dir_all(root.join("src")).unwrap();
            assert_eq!(watch.changed(), std::slice::from_ref(&root));
            assert!(watch.missing().is_empty());
            fs::write(root.join("src/a"), "1").unwrap();
            assert_eq!(watch.changed(), [root.join("src/a")]);
        }
    }

    #[test]
    fn a_folder_that_is_renamed_is_reported_under_its_new_name_alone() {
        let (folder, mut watch) = watched(&[]);
        let at = |name: &str| folder.path().join(name);
        fs::rename(at("src"), at("lib")).unwrap();
        watch.changed();
        fs::write(at("lib/deep/a"), "1").unwrap();
        assert_eq!(watch.changed(), [at("lib/deep/a")]);
        let outside = tempfile::tempdir().unwrap();
        fs::rename(at("lib"), outside.path().join("lib")).unwrap();
        watch.changed();
        fs::write(outside.path().join("lib/deep/a"), "2").unwrap();
        assert!(watch.changed().is_empty());
    }

    #[test]
    fn ignored_folders_are_not_watched_at_any_depth() {
        let (folder, mut watch) = watched(&["vendor".into(), "deep".into()]);
        fs::write(folder.path().join("vendor/other/a"), "1").unwrap();
        fs::write(folder.path().join("src/deep/a"), "1").unwrap();
        fs::create_dir(folder.path().join("src/vendor")).unwrap();
        fs::write(folder.path().join("src/vendor/a"), "1").unwrap();
        assert!(watch.changed().is_empty());
    }

    #[test]
    fn a_root_that_is_no_folder_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let refused = FolderWatch::new(std::slice::from_ref(&path), &[]).unwrap_err().to_string();
        assert_eq!(refused, format!("watch {}: Not a directory (os error 20)", path.display()));
    }
}
