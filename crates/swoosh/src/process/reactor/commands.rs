//! What workers want done with a reactor's connections.

use crate::conn::owner::Owner;
use crate::handler::SessionId;
use crate::ipc::{BEFORE_FILE, Kind, Message};
use crate::node::apply_reading;
use std::rc::Rc;

/// Carries out one order. An order for a connection that is gone is dropped: its peer is gone too.
pub fn carry_out(owner: &Rc<Owner>, message: &Message) {
    let session = SessionId(message.head.id);
    let Some(conn) = owner.find(session) else { return };
    match message.head.kind {
        Kind::Send if message.head.flags & BEFORE_FILE != 0 => owner.write_head(&conn, &message.data, true),
        Kind::Send => owner.write_answer(&conn, &message.data, true),
        Kind::SendFile => {
            let Some((numbers, path)) = message.data.split_first_chunk::<16>() else { return };
            let number = |n: usize| u64::from_le_bytes(numbers[8 * n..8 * n + 8].try_into().expect("eight bytes"));
            let path = String::from_utf8_lossy(path);
            match Owner::open_file(&path, number(0), number(1)) {
                Ok((file, offset, end)) => owner.write_file(&conn, file, offset, end),
                // The peer was promised these bytes: a gap in the stream would be worse than its end.
                Err(e) => owner.break_off(&conn, format_args!("{e}")),
            }
        }
        Kind::Finished => owner.finish(&conn, message.head.flags & 1 != 0),
        Kind::CloseWanted => owner.want_close(&conn, message.head.flags & 1 != 0),
        kind @ (Kind::Pause | Kind::Resume | Kind::Confirm) => apply_reading(&conn, kind),
        _ => {}
    }
}
