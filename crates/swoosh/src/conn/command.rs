//! Operations on connections that other processes request.

use super::connection::{Connection, ReadHold};
use super::owner::Owner;
use crate::ipc::{Command, Reading};
use std::fs::File;
use std::rc::Rc;

impl Owner {
    /// Carries out a command.
    pub fn execute(self: &Rc<Self>, conn: &Rc<Connection>, command: &Command) {
        match command {
            Command::Send { data, file_follows: true } => self.write_before_file(conn, data, true),
            Command::Send { data, file_follows: false } => self.write_reply(conn, data.as_slice(), true),
            Command::SendFile { file, offset, length } => match self.take_file(file) {
                Some(file) => self.write_file(conn, Rc::new(file), *offset, offset.saturating_add(*length), true),
                // A missing range would corrupt the stream.
                None => self.abort(conn, format_args!("a file that was to be sent is lost")),
            },
            Command::Finish { reset } => self.finish(conn, *reset),
            Command::RequestClose { reset } => self.request_close(conn, *reset),
            Command::SetReading(reading) => conn.set_reading(*reading),
        }
    }
}

impl Owner {
    /// Takes the file that a `SendFile` command names from this owner's channel.
    fn take_file(&self, number: &[u8]) -> Option<File> {
        let number = u64::from_le_bytes(number.try_into().ok()?);
        let channel = self.state.files_to_send.get(self.id() as usize)?;
        let received = channel.receive(number, &mut self.early_files.borrow_mut());
        received.inspect_err(|e| crate::log::error!("{e}")).ok().flatten()
    }

    /// Discards what came with a command whose connection is gone.
    pub fn discard(&self, command: &Command) {
        if let Command::SendFile { file, .. } = command {
            drop(self.take_file(file));
        }
    }
}

impl Connection {
    /// Starts or stops reading.
    pub fn set_reading(&self, reading: Reading) {
        match reading {
            Reading::Pause => self.hold(ReadHold::Pause),
            Reading::Resume => self.release_hold(ReadHold::Pause),
            Reading::Confirm => self.release_hold(ReadHold::Confirm),
        }
    }
}
