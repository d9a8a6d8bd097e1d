//! Operations on connections that other processes request.

use super::connection::{Connection, ReadHold};
use super::http2::session::Session;
use super::owner::Owner;
use crate::ipc::message::Payload;
use crate::ipc::{Command, Reading};
use std::fs::File;
use std::rc::Rc;

impl Owner {
    /// Carries out a command.
    pub fn execute<P: Payload>(self: &Rc<Self>, conn: &Rc<Connection>, command: &Command<P>) {
        match command {
            Command::Send { data, file_follows: true } => self.write_before_file(conn, (**data).as_ref(), true),
            Command::Send { data, file_follows: false } => self.write_reply(conn, (**data).as_ref(), true),
            Command::SendFile { file, offset, length } => match self.take_file((**file).as_ref()) {
                Some(file) => self.write_file(conn, Rc::new(file), *offset, offset.saturating_add(*length), true),
                // A missing range would corrupt the stream.
                None => {
                    // The descriptor did not arrive, and the cause is logged. The client must not take the rest for the file.
                    self.abort(conn, format_args!("a file that was to be sent is lost"));
                }
            },
            Command::Finish { reset } => self.finish(conn, *reset),
            Command::RequestClose { reset } => self.request_close(conn, *reset),
            Command::SetReading(reading) => conn.set_reading(*reading),
            Command::Ping { data } => {
                if let Ok(data) = (**data).as_ref().try_into() {
                    conn.with_session(|session| session.ping(data));
                }
            }
            Command::GoAway { code, debug } => conn.with_session(|session| session.go_away(*code, (**debug).as_ref())),
        }
    }
}

impl Owner {
    /// Takes the file that a `SendFile` command names from this owner's channel.
    fn take_file(&self, number: &[u8]) -> Option<File> {
        let number = u64::from_le_bytes(number.try_into().ok()?);
        let channel = self.state.mailboxes().files_to_send(self.id())?;
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
    /// Does something with the HTTP/2 connection that this is, or is a stream of.
    fn with_session(&self, act: impl FnOnce(&Session)) {
        let session = match self.transport.stream() {
            Some(stream) => Some(stream.session().clone()),
            None => self.http2(),
        };
        if let Some(session) = session {
            act(&session);
            session.wake();
        }
    }

    /// Starts or stops reading.
    pub fn set_reading(&self, reading: Reading) {
        match reading {
            Reading::Pause => self.hold(ReadHold::Pause),
            Reading::Resume => self.release_hold(ReadHold::Pause),
            Reading::Confirm => self.release_hold(ReadHold::Confirm),
        }
    }
}
