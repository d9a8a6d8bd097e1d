//! The body of a request, in memory or on disk.

use crate::error::{Error, Result};
use crate::sys::temp_file::TempFile;
use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::ops::Range;

/// A request's body, in memory or on disk.
///
/// ```
/// use swoosh::http::form::Body;
///
/// assert_eq!(Body::Memory(b"abc").whole().len(), 3);
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Body<'b> {
    /// In memory.
    Memory(&'b [u8]),
    /// On disk.
    Disk(&'b TempFile),
}

impl<'b> Body<'b> {
    /// The whole body.
    pub fn whole(self) -> BodySlice<'b> {
        match self {
            Body::Memory(bytes) => BodySlice::Memory(bytes),
            Body::Disk(stored) => BodySlice::Disk(stored, 0..stored.len()),
        }
    }
}

/// A slice of a body.
///
/// ```
/// use swoosh::http::form::BodySlice;
///
/// assert_eq!(&*BodySlice::Memory(b"abc").bytes().unwrap(), b"abc");
/// ```
#[derive(Debug, Clone)]
pub enum BodySlice<'b> {
    /// In memory.
    Memory(&'b [u8]),
    /// On disk: a range of offsets.
    Disk(&'b TempFile, Range<u64>),
}

impl<'b> BodySlice<'b> {
    /// The length, bytes.
    pub fn len(&self) -> u64 {
        match self {
            BodySlice::Memory(bytes) => bytes.len() as u64,
            BodySlice::Disk(_, range) => range.end - range.start,
        }
    }

    /// Whether the slice is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, read into memory if necessary.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn bytes(&self) -> Result<Cow<'b, [u8]>> {
        match self {
            BodySlice::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
            BodySlice::Disk(stored, range) => Ok(Cow::Owned(stored.read(range.clone())?)),
        }
    }

    /// Writes the slice to a file; the kernel copies a slice that is on disk, without memory of this process.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn save(&self, to: &File) -> Result<()> {
        match self {
            BodySlice::Memory(bytes) => {
                (&*to).write_all(bytes).map_err(|e| Error::system("write", "an uploaded file", e))
            }
            BodySlice::Disk(stored, range) => Ok(stored.copy_to(range.clone(), to)?),
        }
    }
}

/// Slices are equal if their bytes are, in memory or on disk.
impl PartialEq for BodySlice<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && matches!((self.bytes(), other.bytes()), (Ok(own), Ok(others)) if own == others)
    }
}

impl Eq for BodySlice<'_> {}
