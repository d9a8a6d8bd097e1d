//! What workers want done with a reactor's connections.

use crate::conn::owner::Owner;
use crate::handler::SessionId;
use crate::handoff::{BEFORE_FILE, Kind, Letter};
use crate::node::apply_reading;
use std::rc::Rc;

/// Carries out one order. An order for a connection that is gone is dropped: its peer is gone too.
pub fn carry_out(owner: &Rc<Owner>, letter: &Letter) {
    let session = SessionId(letter.head.id);
    let Some(conn) = owner.find(session) else { return };
    match letter.head.kind {
        Kind::Send if letter.head.flags & BEFORE_FILE != 0 => owner.write_head(&conn, &letter.data, true),
        Kind::Send => owner.write_answer(&conn, &letter.data, true),
        Kind::SendFile => {
            let Some((numbers, path)) = letter.data.split_first_chunk::<16>() else { return };
            let number = |n: usize| u64::from_le_bytes(numbers[8 * n..8 * n + 8].try_into().expect("eight bytes"));
            let path = String::from_utf8_lossy(path);
            match Owner::open_file(&path, number(0), number(1)) {
                Ok((file, offset, end)) => owner.write_file(&conn, file, offset, end),
                // The peer was promised these bytes: a gap in the stream would be worse than its end.
                Err(e) => owner.break_off(&conn, format_args!("{e}")),
            }
        }
        Kind::Finished => owner.finish(&conn, letter.head.flags & 1 != 0),
        Kind::CloseWanted => owner.want_close(&conn, letter.head.flags & 1 != 0),
        kind @ (Kind::Pause | Kind::Resume | Kind::Confirm) => apply_reading(&conn, kind),
        _ => {}
    }
}
