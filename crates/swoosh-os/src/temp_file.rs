//! A file that nobody else can open and that is gone with whoever holds it: for bodies that are too long for memory.

use crate::error::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes on disk, in a file without a name (O_TMPFILE of open(2)).
#[derive(Debug)]
pub struct TempFile {
    file: File,
    length: u64,
}

impl TempFile {
    /// An empty one, in that folder.
    ///
    /// # Errors
    /// Where no file can be made there.
    pub fn new(folder: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = match options.clone().custom_flags(libc::O_TMPFILE).open(folder) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR)) => named(&options, folder),
            made => made,
        };
        let file = file.map_err(|e| Error::system("make a file in", folder.display(), e))?;
        Ok(TempFile { file, length: 0 })
    }

    /// What such a file has, which another process has written.
    ///
    /// # Errors
    /// Where the kernel does not tell its length.
    pub fn from_file(file: File) -> Result<Self> {
        let about = file.metadata().map_err(|e| Error::system("look at", "a stored body", e))?;
        Ok(TempFile { file, length: about.len() })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Where the disk is full, or fails.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let refused = |e| Error::system("write", "a body to disk", e);
        self.file.write_all_at(bytes, self.length).map_err(refused)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The file itself.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// All of a piece, in memory.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn read(&self, piece: Range<u64>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (piece.end - piece.start) as usize];
        self.read_exact_at(piece.start, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with what stands from `offset` on.
    ///
    /// # Errors
    /// Where the disk fails, or has less.
    pub fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(bytes, offset).map_err(|e| Error::system("read", "a stored body", e))
    }

    /// Writes a piece to another file: by the kernel (copy_file_range(2), sendfile(2)), which shares the blocks where the
    /// file system can.
    ///
    /// # Errors
    /// Where the disk is full, or fails.
    pub fn copy_to(&self, piece: Range<u64>, mut to: &File) -> Result<()> {
        let refused = |e| Error::system("copy", "a stored body", e);
        let mut from = &self.file;
        from.seek(SeekFrom::Start(piece.start)).map_err(refused)?;
        let length = piece.end - piece.start;
        match io::copy(&mut io::Read::take(from, length), &mut to).map_err(refused)? {
            copied if copied == length => Ok(()),
            _ => Err(refused(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

/// Where the file system knows no files without names: one that loses its name at once.
fn named(options: &OpenOptions, folder: &Path) -> io::Result<File> {
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
    fn what_is_written_is_read_and_copied_and_leaves_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::new().read(true).write(true).clone();
        let by_name = TempFile { file: named(&options, folder.path()).unwrap(), length: 0 };
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
    fn a_folder_that_is_not_there_and_a_full_disk_are_told() {
        let error = TempFile::new(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert!(error.starts_with("make a file in /no/such/folder: No such file"), "{error}");
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = TempFile { file: full, length: 0 }.append(b"x").unwrap_err().to_string();
        assert!(error.starts_with("write a body to disk: No space left"), "{error}");
    }
}
