//! A temporary file without a name: no other program can open it, and it disappears with its last descriptor.

use crate::error::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes on disk in an unnamed file (`O_TMPFILE` of open(2)), for request bodies that are too long for memory.
///
/// ```
/// use swoosh_os::temp_file::TempFile;
///
/// let mut body = TempFile::new(&std::env::temp_dir())?;
/// body.append(b"hello ")?;
/// body.append(b"world")?;
/// assert_eq!(body.read(6..11)?, b"world");
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct TempFile {
    file: File,
    length: u64,
}

impl TempFile {
    /// Creates an empty file on the file system of `folder`, readable and writable by this user only.
    ///
    /// # Errors
    /// If no file can be created there.
    pub fn new(folder: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = match options.clone().custom_flags(libc::O_TMPFILE).open(folder) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR)) => {
                create_and_unlink(&options, folder)
            }
            opened => opened,
        };
        let file = file.map_err(|e| Error::system("make a file in", folder.display(), e))?;
        Ok(TempFile { file, length: 0 })
    }

    /// Takes over such a file that another process has written and passed on.
    ///
    /// # Errors
    /// If its length cannot be read.
    pub fn from_file(file: File) -> Result<Self> {
        let about = file.metadata().map_err(|e| Error::system("look at", "a stored body", e))?;
        Ok(TempFile { file, length: about.len() })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let refused = |e| Error::system("write", "a body to disk", e);
        self.file.write_all_at(bytes, self.length).map_err(refused)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The underlying file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads a range of bytes into memory.
    ///
    /// # Errors
    /// If the file is shorter or the disk fails.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.read_exact_at(range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with the file's content from `offset` on.
    ///
    /// # Errors
    /// If the file is shorter or the disk fails.
    pub fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(bytes, offset).map_err(|e| Error::system("read", "a stored body", e))
    }

    /// Writes a range of bytes to another file. The kernel copies (copy_file_range(2), sendfile(2)) and shares the
    /// blocks if the file system can.
    ///
    /// # Errors
    /// If the file is shorter, or the disk is full or fails.
    pub fn copy_to(&self, range: Range<u64>, mut to: &File) -> Result<()> {
        let refused = |e| Error::system("copy", "a stored body", e);
        let mut from = &self.file;
        from.seek(SeekFrom::Start(range.start)).map_err(refused)?;
        let length = range.end - range.start;
        match io::copy(&mut io::Read::take(from, length), &mut to).map_err(refused)? {
            copied if copied == length => Ok(()),
            _ => Err(refused(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

/// For file systems without `O_TMPFILE`: creates a file and removes its name at once.
fn create_and_unlink(options: &OpenOptions, folder: &Path) -> io::Result<File> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("swoosh-{}-{count}.body", super::process::pid()));
        match options.clone().create_new(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Ok(file) => return fs::remove_file(&path).map(|()| file),
            failed => return failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_back_and_copied_and_no_name_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::new().read(true).write(true).clone();
        let by_name = TempFile { file: create_and_unlink(&options, folder.path()).unwrap(), length: 0 };
        for mut stored in [TempFile::new(folder.path()).unwrap(), by_name] {
            stored.append(b"0123").unwrap();
            stored.append(b"456789").unwrap();
            assert_eq!(stored.read(2..9).unwrap(), b"2345678");
            let copy = tempfile::tempfile().unwrap();
            stored.copy_to(3..7, &copy).unwrap();
            stored.copy_to(0..1, &copy).unwrap();
            let copy = TempFile::from_file(copy).unwrap();
            assert_eq!((copy.len(), copy.read(0..5).unwrap()), (5, b"34560".to_vec()));
            assert!(stored.copy_to(3..11, copy.file()).is_err());
            assert!(stored.read(9..11).is_err());
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_missing_folder_and_a_full_disk_are_named_in_the_error() {
        let error = TempFile::new(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert!(error.starts_with("make a file in /no/such/folder: No such file"), "{error}");
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = TempFile { file: full, length: 0 }.append(b"x").unwrap_err().to_string();
        assert!(error.starts_with("write a body to disk: No space left"), "{error}");
    }
}
