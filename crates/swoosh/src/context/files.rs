//! Request bodies that arrive in files: the receiving end of [`FdChannel`](crate::sys::fd_channel::FdChannel).

use super::Context;
use crate::ipc::message::FileNumber;
use crate::sys::fd_channel::FdChannel;
use crate::sys::temp_file::TempFile;
use std::fs::File;
use std::rc::Rc;

impl Context {
    /// The request body with this number; `None`: it is lost, and the cause is logged.
    pub(crate) fn take_body(&self, number: FileNumber) -> Option<Rc<TempFile>> {
        let file = self.take_file(number)?;
        TempFile::from_file(file).inspect_err(|e| crate::log::error!("{e}")).ok().map(Rc::new)
    }

    fn take_file(&self, number: FileNumber) -> Option<File> {
        let channel = self.own_channel()?;
        loop {
            match self.channel_files().with(|early| channel.receive(number.key(), early)) {
                Ok(found) => return found,
                Err(e) => crate::log::error!("{e}"),
            }
        }
    }

    /// This process ends: puts back the files of messages that it has not handled, for its successor.
    pub(crate) fn return_files(&self) {
        let Some(channel) = self.own_channel() else { return };
        for (number, file) in self.channel_files().with(std::mem::take) {
            if let Err(e) = channel.send(number, &file) {
                crate::log::error!("the body of a request is lost: {e}");
            }
        }
    }

    fn own_channel(&self) -> Option<&'static FdChannel> {
        self.state().mailboxes().stored_bodies(self.worker_id()?)
    }
}
