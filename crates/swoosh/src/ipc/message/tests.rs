//! Encoding and decoding of every kind.

use super::*;
use crate::ids::SessionId;
use std::rc::Rc;

fn all() -> Vec<Message<&'static [u8]>> {
    let origin = Origin { session: SessionId(u64::MAX), port: 7, reactor: 300, time: 77 };
    let data = &b"data"[..];
    let source = Source::foreign_child(123_456);
    let reply = ReplyTo { generation: u32::MAX, awaited: true };
    let mut all = vec![
        Message::StoredPacket { origin, file: FileNumber { reactor: 300, sequence: u32::MAX }, head: data },
        Message::Connect(origin),
        Message::Datagram { port: 3, time: 8, data },
    ];
    for yes in [true, false] {
        all.push(Message::Packet { origin, files_checked: yes, data });
        all.push(Message::Close { origin, by_server: yes });
        all.push(Message::Watermark { origin, above: yes });
        let reply = ReplyTo { awaited: yes, ..reply };
        let content = if yes { Content::Spilled(data) } else { Content::Inline(data) };
        all.push(Message::PipeMessage { id: 1, source, time: 2, flags: 255, content });
        all.push(Message::Task { id: 1, source, time: 2, flags: 255, reply, content });
        all.push(Message::TaskResult { id: 1, source, time: 2, flags: 255, reply, content });
        let command = |command| Message::Command { session: SessionId(9), command };
        all.push(command(Command::Send { data, file_follows: yes }));
        all.push(command(Command::Finish { reset: yes }));
        all.push(command(Command::RequestClose { reset: yes }));
    }
    let command = |command| Message::Command { session: SessionId(9), command };
    all.push(command(Command::SendFile { file: data, offset: u64::MAX, length: u64::MAX - 1 }));
    all.push(command(Command::Ping { data }));
    all.push(command(Command::GoAway { code: u32::MAX, debug: data }));
    all.extend([Reading::Pause, Reading::Resume, Reading::Confirm].map(|r| command(Command::SetReading(r))));
    all
}

#[test]
fn every_message_is_decoded_as_it_was_encoded() {
    for message in all() {
        for piece in [Piece::WHOLE, Piece { first: false, more: true }] {
            let meta = message.meta(Source::foreign_child(123_456), piece);
            assert_eq!(Piece::read(&meta), (piece, Source::foreign_child(123_456)));
            assert_eq!(Message::decode(&meta, || message.payload()), Some(message));
        }
        let owned = message.map(|data| Rc::new(data.to_vec()));
        assert_eq!(owned.payload(), message.payload());
        assert_eq!(owned.meta(Source::HEAD, Piece::WHOLE), message.meta(Source::HEAD, Piece::WHOLE));
        assert_eq!(message.into_payload().unwrap_or_default(), message.payload());
    }
    assert_eq!(Message::decode(&[255, 0, 0, 0], || ()), None);
}
