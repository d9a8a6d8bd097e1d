//! RFC 7541: compression of fields.

use super::Case;
use super::peer::*;

/// A request whose field block ends with `more` raw octets.
fn request_with(more: &[u8]) -> Vec<u8> {
    [request("GET", &[]), more.to_vec()].concat()
}

/// The server refuses this field block.
fn refused(peer: &mut Peer, block: &[u8]) -> Verdict {
    peer.open()?;
    peer.send(&get(1, block));
    peer.expect_connection_error(&[COMPRESSION_ERROR])
}

/// The server answers a request with this field block.
fn accepted(peer: &mut Peer, block: &[u8]) -> Verdict {
    peer.open()?;
    peer.send(&get(1, block));
    peer.expect_response(1)
}

pub const CASES: &[Case] = &[
    // Indexing tables.
    Case("HPACK 2.3.1", "fields of the static table are found", |p| {
        // GET, http, /, and :authority with its name from the table.
        accepted(p, &[&[0x82, 0x86, 0x84, 0x01, 9][..], b"localhost"].concat())
    }),
    Case("HPACK 2.3.2", "a field that was indexed is found in the next request", |p| {
        p.open()?;
        p.send(&get(1, &[request("GET", &[]), literal(0x40, b"x-first", b"1")].concat()));
        p.expect_response(1)?;
        p.send(&get(3, &request_with(&[0x80 | 62])));
        p.expect_response(3)
    }),
    Case("HPACK 2.3.2", "the newest field has the lowest index", |p| {
        p.open()?;
        let both = [literal(0x40, b"content-length", b"5"), literal(0x40, b"x-last", b"1")].concat();
        p.send_all(&[post(1, &[request("POST", &[]), both].concat()), last_data(1, b"five!")]);
        p.expect_response(1)?;
        // The older one: it tells the length of the body.
        let older = [request("POST", &[]), vec![0x80 | 63]].concat();
        p.send_all(&[post(3, &older), last_data(3, b"five!")]);
        p.expect_response(3)?;
        p.send_all(&[post(5, &older), last_data(5, b"four")]);
        p.expect_malformed(5)
    }),
    Case("HPACK 2.3.3", "an index beyond both tables is an error", |p| refused(p, &request_with(&[0x80 | 70]))),
    Case("HPACK 2.3.3", "the index 62 is an error while the dynamic table is empty", |p| {
        refused(p, &request_with(&[0x80 | 62]))
    }),
    Case("HPACK 2.3.3", "the name of a literal beyond both tables is an error", |p| {
        refused(p, &request_with(&[0x40 | 62, 1, b'a']))
    }),
    // The dynamic table.
    Case("HPACK 4.1", "a field larger than the table empties it and is no error", |p| {
        p.open()?;
        let large = "v".repeat(5000);
        p.send(&get(1, &request_with(&literal(0x40, b"x-large", large.as_bytes()))));
        p.expect_response(1)?;
        p.send(&get(3, &request_with(&[0x80 | 62])));
        p.expect_connection_error(&[COMPRESSION_ERROR])
    }),
    Case("HPACK 4.2", "a size update behind a field is an error", |p| refused(p, &request_with(&[0x20]))),
    Case("HPACK 4.2", "a size update between two fields is an error", |p| {
        let block = [&[0x82, 0x20, 0x86, 0x84][..], &field(b":authority", b"localhost")].concat();
        refused(p, &block)
    }),
    Case("HPACK 4.2", "two size updates before the first field are accepted", |p| {
        accepted(p, &[vec![0x20, 0x3f, 0xe1, 0x1f], request("GET", &[])].concat())
    }),
    Case("HPACK 4.2", "a reduced table is announced by the server's next field block", |p| {
        p.open_with(&[(HEADER_TABLE_SIZE, 0)])?;
        p.send(&get(1, &request("GET", &[])));
        let head = p.wait("a response", |f| f.kind == HEADERS)?;
        if head.payload[0] == 0x20 { Ok(()) } else { Err(format!("the block begins with {:02x}", head.payload[0])) }
    }),
    Case("HPACK 4.3", "a size update to 0 evicts all fields", |p| {
        p.open()?;
        p.send(&get(1, &request_with(&literal(0x40, b"x-first", b"1"))));
        p.expect_response(1)?;
        p.send(&get(3, &[&[0x20, 0x3f, 0xe1, 0x1f][..], &request_with(&[0x80 | 62])].concat()));
        p.expect_connection_error(&[COMPRESSION_ERROR])
    }),
    Case("HPACK 4.4", "the oldest field is evicted when the table is full", |p| {
        p.open()?;
        let filler = "v".repeat(4030);
        let block = [literal(0x40, b"x-old", b"1"), literal(0x40, b"x-new", filler.as_bytes())].concat();
        p.send(&get(1, &request_with(&block)));
        p.expect_response(1)?;
        p.send(&get(3, &request_with(&[0x80 | 63])));
        p.expect_connection_error(&[COMPRESSION_ERROR])
    }),
    // Integers.
    Case("HPACK 5.1", "an integer of more octets than any index needs is an error", |p| {
        refused(p, &request_with(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]))
    }),
    Case("HPACK 5.1", "an integer that the block cuts is an error", |p| refused(p, &request_with(&[0xff, 0x80]))),
    Case("HPACK 5.1", "a length of several octets is accepted", |p| {
        accepted(p, &request_with(&field(b"x-long", "v".repeat(1000).as_bytes())))
    }),
    // Strings.
    Case("HPACK 5.2", "a string longer than its block is an error", |p| {
        refused(p, &request_with(&[0x00, 3, b'x', b'-', b'a', 9, b'v']))
    }),
    Case("HPACK 5.2", "a name longer than its block is an error", |p| refused(p, &request_with(&[0x00, 100, b'x']))),
    Case("HPACK 5.2", "a field without its value is an error", |p| {
        refused(p, &request_with(&[0x00, 3, b'x', b'-', b'a']))
    }),
    Case("HPACK 5.2", "a Huffman-coded value is accepted", |p| {
        accepted(p, &request_with(&[0x00, 3, b'x', b'-', b'a', 0x81, 0x1f]))
    }),
    Case("HPACK 5.2", "a Huffman-coded name is accepted", |p| accepted(p, &request_with(&[0x00, 0x81, 0x1f, 1, b'v']))),
    Case("HPACK 5.2", "Huffman padding of more than 7 bits is an error", |p| {
        refused(p, &request_with(&[0x00, 3, b'x', b'-', b'a', 0x82, 0x1f, 0xff]))
    }),
    Case("HPACK 5.2", "Huffman padding that is not the beginning of EOS is an error", |p| {
        refused(p, &request_with(&[0x00, 3, b'x', b'-', b'a', 0x81, 0x18]))
    }),
    Case("HPACK 5.2", "EOS in a Huffman-coded string is an error", |p| {
        refused(p, &request_with(&[0x00, 3, b'x', b'-', b'a', 0x84, 0xff, 0xff, 0xff, 0xff]))
    }),
    // Representations.
    Case("HPACK 6.1", "the index 0 is an error", |p| refused(p, &request_with(&[0x80]))),
    Case("HPACK 6.2.1", "a literal with incremental indexing and a new name is accepted", |p| {
        accepted(p, &request_with(&literal(0x40, b"x-a", b"1")))
    }),
    Case("HPACK 6.2.1", "a literal with incremental indexing and an indexed name is accepted", |p| {
        accepted(p, &request_with(&[0x40 | 58, 1, b'v']))
    }),
    Case("HPACK 6.2.2", "a literal without indexing and a new name is accepted", |p| {
        accepted(p, &request_with(&field(b"x-a", b"1")))
    }),
    Case("HPACK 6.2.2", "a literal without indexing and an indexed name is accepted", |p| {
        // user-agent has the index 58, which takes two octets here.
        accepted(p, &request_with(&[0x0f, 58 - 15, 1, b'v']))
    }),
    Case("HPACK 6.2.2", "a literal without indexing is not in the table", |p| {
        p.open()?;
        p.send(&get(1, &request_with(&field(b"x-a", b"1"))));
        p.expect_response(1)?;
        p.send(&get(3, &request_with(&[0x80 | 62])));
        p.expect_connection_error(&[COMPRESSION_ERROR])
    }),
    Case("HPACK 6.2.3", "a literal that is never indexed is accepted", |p| {
        accepted(p, &request_with(&literal(0x10, b"x-secret", b"1")))
    }),
    Case("HPACK 6.3", "a size update beyond the limit of the settings is an error", |p| {
        refused(p, &[&[0x3f, 0xff, 0xff, 0xff, 0x07][..], &request("GET", &[])].concat())
    }),
    Case("HPACK 6.3", "a size update at the beginning is accepted", |p| {
        accepted(p, &[&[0x20][..], &request("GET", &[])].concat())
    }),
];
