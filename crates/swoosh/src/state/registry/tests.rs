//! Ids, slots and streams of the registry.

use super::*;

impl Registry {
    /// A registry of its own.
    pub(crate) fn for_test(room: u32) -> Registry {
        let server = SharedSlice::<ServerSlot>::new(1, "a test").unwrap();
        server[0].next_session.store(1, Relaxed);
        Registry::new(room, 4, server).unwrap()
    }
}

const NOBODY: Peer = Peer { ip: None, port: 0 };

#[test]
fn an_id_is_never_valid_again_after_its_slot_is_used_anew() {
    let registry = Registry::for_test(4);
    let (first, slot) = registry.open(7, 0, 0, NOBODY).unwrap();
    registry.release(first, slot);
    for _ in 0..1000 {
        let (id, slot) = registry.open(8, 0, 0, NOBODY).unwrap();
        assert_ne!(id, first);
        assert!(registry.find(first).is_none());
        assert_eq!(registry.find(id).unwrap().0, slot);
        registry.release(id, slot);
        registry.release(id, slot);
    }
    assert_eq!(registry.count(), 0);
}

#[test]
fn a_full_registry_refuses_and_takes_again_after_a_release() {
    let registry = Registry::for_test(3);
    let all: Vec<_> = (0..3).map(|n| registry.open(n, 0, 0, NOBODY).unwrap()).collect();
    assert!(registry.open(9, 0, 0, NOBODY).is_none());
    registry.release(all[1].0, all[1].1);
    let (id, slot) = registry.open(9, 0, 0, NOBODY).unwrap();
    assert_eq!(slot, all[1].1);
    assert_eq!(id, SessionId(4));
}

#[test]
fn streams_have_ids_of_their_own_and_are_no_connections() {
    let registry = Registry::for_test(2);
    let peer = Peer { ip: Some("10.1.2.3".parse().unwrap()), port: 9 };
    let (parent, of) = registry.open(7, 0, 3, peer).unwrap();
    let all: Vec<_> = (0..4).map(|n| registry.open_stream(parent, of, 2 * n + 1).unwrap()).collect();
    assert!(registry.open_stream(parent, of, 9).is_none(), "the limit of streams is reached");
    assert!(all.iter().all(|(id, index)| registry.find(*id).is_some_and(|(found, _)| found == *index)));
    assert!(all.iter().all(|(id, _)| id.is_stream()) && !parent.is_stream());
    let (_, row) = registry.find(all[1].0).unwrap();
    assert_eq!((Registry::peer(row), row.stream.load(Relaxed), row.parent.load(Relaxed)), (peer, 3, parent.0));
    assert_eq!((registry.count(), registry.list(SessionId(0), 9, |_| true)), (1, Some(vec![parent])));
    row.set_flags(Flags::WEBSOCKET);
    assert_eq!(registry.list(SessionId(0), 9, |_| true).unwrap().len(), 2, "a WebSocket is listed");
    all.iter().for_each(|(id, index)| registry.release(*id, *index));
    assert_eq!((registry.count(), registry.open(8, 0, 0, NOBODY).unwrap().0), (1, SessionId(2)));
}

#[test]
fn the_first_stream_is_found_in_the_first_slot() {
    let registry = Registry::for_test(2);
    let (first, index) = registry.open(7, 0, 0, NOBODY).unwrap();
    let (parent, of) = registry.open(8, 0, 0, NOBODY).unwrap();
    registry.release(first, index);
    let (stream, at) = registry.open_stream(parent, of, 1).unwrap();
    assert_eq!(at, index);
    assert!(registry.find(stream).is_some());
    let without_streams = Registry::new(2, 0, SharedSlice::<ServerSlot>::new(1, "a test").unwrap()).unwrap();
    assert!(without_streams.find(stream).is_none());
}

#[test]
fn a_long_lived_connection_keeps_its_id_while_others_pass_it() {
    let registry = Registry::for_test(4);
    let (old, _) = registry.open(1, 0, 0, NOBODY).unwrap();
    for _ in 0..500 {
        let (id, slot) = registry.open(2, 0, 0, NOBODY).unwrap();
        assert!(registry.find(old).is_some());
        registry.release(id, slot);
    }
}

#[test]
fn a_list_goes_on_behind_the_given_id_and_an_unknown_id_has_none() {
    let registry = Registry::for_test(10);
    for n in 0..5 {
        registry.open(n, n as usize % 2, 0, NOBODY).unwrap();
    }
    let ids = |after, count| {
        registry.list(SessionId(after), count, |_| true).map(|l| l.iter().map(|s| s.0).collect::<Vec<_>>())
    };
    assert_eq!(ids(0, 10), Some(vec![1, 2, 3, 4, 5]));
    assert_eq!(ids(2, 2), Some(vec![3, 4]));
    assert_eq!(ids(5, 2), Some(vec![]));
    assert_eq!(ids(99, 2), None);
    let odd = registry.list(SessionId(0), 9, |slot| slot.port.load(Relaxed) == 1).unwrap();
    assert_eq!(odd, vec![SessionId(2), SessionId(4)]);
}

#[test]
fn a_peers_address_is_read_as_it_was_written() {
    let registry = Registry::for_test(4);
    for ip in ["127.0.0.1", "255.1.2.3", "::1", "fe80::1:2"] {
        let peer = Peer { ip: Some(ip.parse().unwrap()), port: 65535 };
        let (id, slot) = registry.open(3, 0, 0, peer).unwrap();
        assert_eq!(Registry::peer(registry.find(id).unwrap().1), peer);
        registry.release(id, slot);
    }
}
