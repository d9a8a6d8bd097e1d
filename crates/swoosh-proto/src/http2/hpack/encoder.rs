//! Encodes header blocks (RFC 7541 section 6).
//!
//! A field that a server sends again and again is a reference to the dynamic table, one octet. A field whose value changes
//! would only evict others: once its name is in the table, other values of it are literals.

use super::dynamic_table::{DynamicTable, ENTRY_OVERHEAD, INITIAL_SIZE};
use super::primitive::{put_integer, put_text};
use super::static_table::{STATIC, index_of};

/// The encoder of one direction of a connection: its dynamic table.
#[derive(Debug, Default)]
pub(in crate::http2) struct Encoder {
    /// Each entry with the hash of its name and value.
    table: DynamicTable<u32>,
    /// The peer has changed the size: the smallest size since the last block.
    smallest_change: Option<usize>,
}

impl Encoder {
    /// The peer has sent SETTINGS_HEADER_TABLE_SIZE. No more than the initial size is used.
    pub(in crate::http2) fn resize(&mut self, limit: usize) {
        let size = limit.min(INITIAL_SIZE);
        if size != self.table.max_size() {
            self.smallest_change = Some(self.smallest_change.map_or(size, |smallest| smallest.min(size)));
            self.table.resize(size);
        }
    }

    /// Begins a block: announces a new size of the table (RFC 7541 section 4.2).
    pub(in crate::http2) fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(smallest) = self.smallest_change.take() {
            if smallest < self.table.max_size() {
                put_integer(out, 0x20, 5, smallest);
            }
            put_integer(out, 0x20, 5, self.table.max_size());
        }
    }

    /// Appends the status of a response.
    pub(in crate::http2) fn put_status(&mut self, out: &mut Vec<u8>, status: u16) {
        let index = match status {
            200 => 8,
            204 => 9,
            206 => 10,
            304 => 11,
            400 => 12,
            404 => 13,
            500 => 14,
            _ => {
                let digits =
                    [b'0' + (status / 100 % 10) as u8, b'0' + (status / 10 % 10) as u8, b'0' + (status % 10) as u8];
                // A literal with the name of entry 8, which does not change the table.
                out.extend_from_slice(&[0x08, 3]);
                return out.extend_from_slice(&digits);
            }
        };
        out.push(0x80 | index);
    }

    /// Appends a field. `name` is in lower case.
    pub(in crate::http2) fn put(&mut self, out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
        if is_secret(name) {
            return put_literal(out, 0x10, index_of(name), name, value);
        }
        let hash = hash(name, value);
        if let Some(at) = self.table.position(|entry| entry.info == hash && entry.parts() == (name, value)) {
            return put_integer(out, 0x80, 7, STATIC.len() + 1 + at);
        }
        let index = index_of(name);
        let varies = always_varies(name);
        let known = if varies { None } else { self.table.position(|entry| entry.name() == name) };
        let index = index.or(known.map(|at| STATIC.len() + 1 + at));
        let size = name.len() + value.len() + ENTRY_OVERHEAD;
        let is_worth_it = !varies && (known.is_none() || name == b"date") && size <= self.table.max_size() / 4;
        if !is_worth_it {
            return put_literal(out, 0, index, name, value);
        }
        put_literal(out, 0x40, index, name, value);
        self.table.insert([name, value].concat().into(), name.len(), hash);
    }
}

/// Appends a literal (RFC 7541 section 6.2). `pattern`: 0x40 if it goes into the table, 0x10 if no table may have it, or 0.
fn put_literal(out: &mut Vec<u8>, pattern: u8, index: Option<usize>, name: &[u8], value: &[u8]) {
    put_integer(out, pattern, if pattern == 0x40 { 6 } else { 4 }, index.unwrap_or(0));
    if index.is_none() {
        put_text(out, name);
    }
    put_text(out, value);
}

/// Whether the field must not be in a table, where its value could be guessed (RFC 7541 section 7.1.3).
fn is_secret(name: &[u8]) -> bool {
    matches!(name, b"set-cookie" | b"authorization" | b"proxy-authorization" | b"www-authenticate")
}

/// Whether each response usually has a value of its own.
fn always_varies(name: &[u8]) -> bool {
    matches!(
        name,
        b"content-length" | b"content-range" | b"etag" | b"last-modified" | b"age" | b"expires" | b"location"
    )
}

/// FNV-1a, eight octets at a time.
fn hash(name: &[u8], value: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |word: u64| hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    for text in [name, value] {
        let (words, rest) = text.as_chunks::<8>();
        words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
        let last = rest.iter().fold(rest.len() as u64, |word, octet| word << 8 | u64::from(*octet));
        add(last);
    }
    (hash ^ hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::super::decoder::Decoder;
    use super::*;

    /// A block of these fields, which the decoder reads back.
    fn block(encoder: &mut Encoder, decoder: &mut Decoder, fields: &[(&str, &str)]) -> usize {
        let mut out = Vec::new();
        encoder.begin(&mut out);
        encoder.put_status(&mut out, 200);
        for (name, value) in fields {
            encoder.put(&mut out, name.as_bytes(), value.as_bytes());
        }
        let mut read = Vec::new();
        let pair = |field: super::super::field::Field<'_>| {
            read.push((
                String::from_utf8_lossy(field.name).to_string(),
                String::from_utf8_lossy(field.value).to_string(),
            ));
        };
        decoder.decode(&out, &mut Vec::new(), pair).unwrap();
        let wanted = [(":status", "200")].iter().chain(fields).map(|(n, v)| (n.to_string(), v.to_string()));
        assert_eq!(read, wanted.collect::<Vec<_>>());
        out.len()
    }

    #[test]
    fn fields_that_come_again_take_one_octet() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::new(4096));
        let fields = [("content-type", "text/plain"), ("server", "swoosh"), ("x-own", "a value")];
        let first = block(&mut encoder, &mut decoder, &fields);
        let second = block(&mut encoder, &mut decoder, &fields);
        assert!(first > 20);
        assert_eq!(second, 4);
    }

    #[test]
    fn varying_and_secret_fields_leave_the_table_alone() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::new(4096));
        for n in 0..100 {
            let n = n.to_string();
            let fields = [("content-length", &n[..]), ("set-cookie", &n), ("x-request-id", &n), ("date", &n)];
            block(&mut encoder, &mut decoder, &fields);
        }
        let names = encoder.table.iter().filter(|entry| entry.name() != b"date").count();
        assert_eq!(names, 1, "the first x-request-id");
        assert!(encoder.table.usage().1 <= 4096);
    }

    #[test]
    fn the_peer_chooses_the_size_of_the_table() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::new(4096));
        let fields = [("x-a", "1"), ("x-b", "2")];
        block(&mut encoder, &mut decoder, &fields);
        encoder.resize(0);
        assert_eq!(encoder.table.usage().0, 0);
        encoder.resize(200);
        block(&mut encoder, &mut decoder, &fields);
        assert_eq!(encoder.table.usage().0, 2);
        block(&mut encoder, &mut decoder, &fields);
        // Larger fields than a quarter of the table stay out of it.
        block(&mut encoder, &mut decoder, &[("x-long", &"v".repeat(60))]);
        assert_eq!(encoder.table.usage().0, 2);
    }
}
