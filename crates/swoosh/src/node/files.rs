//! Bodies of requests that came in files: the other end of [`FdChannel`](crate::sys::fd_channel::FdChannel).

use super::Node;
use crate::ipc::{Message, WITH_FILE};
use crate::sys::fd_channel::FdChannel;
use crate::sys::temp_file::TempFile;
use std::fs::File;
use std::rc::Rc;

impl Node {
    /// Whether the owner of the connection has looked for a file already that would answer the request that is being told,
    /// and found none.
    pub fn has_no_file(&self) -> bool {
        self.0.no_file.get()
    }

    /// The file that a message came with, and the rest of its payload; `None` where it came without one. The inner
    /// `None`: the file is lost.
    pub(crate) fn take_file<'l>(&self, message: &'l Message) -> Option<(Option<Rc<TempFile>>, &'l [u8])> {
        if message.head.flags & WITH_FILE == 0 {
            return None;
        }
        let (number, rest) = message.data.split_first_chunk::<8>()?;
        let file = self.file_of_number(u64::from_le_bytes(*number));
        let stored = file.and_then(|file| TempFile::from_file(file).inspect_err(|e| crate::log::error!("{e}")).ok());
        Some((stored.map(Rc::new), rest))
    }

    fn file_of_number(&self, number: u64) -> Option<File> {
        let way = self.own_courier()?;
        loop {
            match way.receive(number, &mut self.0.files.borrow_mut()) {
                Ok(found) => return found,
                Err(e) => crate::log::error!("{e}"),
            }
        }
    }

    /// This process ends: files of messages that it has not told, for its successor.
    pub(crate) fn leave_files(&self) {
        let Some(way) = self.own_courier() else { return };
        for (number, file) in self.0.files.take() {
            if let Err(e) = way.send(number, &file) {
                crate::log::error!("the body of a request is lost: {e}");
            }
        }
    }

    fn own_courier(&self) -> Option<&'static FdChannel> {
        self.state().fd_channels.get(self.worker_id()?.0 as usize)
    }
}
