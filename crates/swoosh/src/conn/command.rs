//! Operations on connections that other processes request.

use super::connection::{Connection, ReadHold};
use super::owner::Owner;
use crate::ipc::{Command, Reading};
use std::rc::Rc;

impl Owner {
    /// Carries out a command.
    pub fn execute(self: &Rc<Self>, conn: &Rc<Connection>, command: &Command) {
        match command {
            Command::Send { data, file_follows: true } => self.write_before_file(conn, data, true),
            Command::Send { data, file_follows: false } => self.write_reply(conn, data, true),
            Command::SendFile { path, offset, length } => {
                match Owner::open_file(&String::from_utf8_lossy(path), *offset, *length) {
                    Ok((file, offset, end)) => self.write_file(conn, file, offset, end),
                    // A missing range would corrupt the stream.
                    Err(e) => self.abort(conn, format_args!("{e}")),
                }
            }
            Command::Finish { reset } => self.finish(conn, *reset),
            Command::RequestClose { reset } => self.request_close(conn, *reset),
            Command::SetReading(reading) => conn.set_reading(*reading),
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
