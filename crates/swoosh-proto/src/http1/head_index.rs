//! Positions of the parts of a request's head, so that later readers need not parse it again.

use super::request::{Field, FieldBuffer, Request, RequestLine};

/// The positions of the parts of a head, from which a parsed request is made again without a search.
///
/// ```
/// use swoosh_proto::http1::head_index::HeadIndex;
/// use swoosh_proto::http1::request::{Request, field_buffer};
///
/// let bytes = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let mut buffer = field_buffer();
/// let (request, fields) = Request::parse(bytes, &mut buffer).unwrap();
/// let index = HeadIndex::of(&request, fields);
/// let mut buffer = field_buffer();
/// let (again, fields) = index.request(bytes, &mut buffer).unwrap();
/// assert_eq!((again.target, fields[0].value), ("/", &b"example.com"[..]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct HeadIndex {
    /// The request line (end of the method, end of the target, properties, end of the head), then the fields. Empty: no index.
    entries: Vec<IndexEntry>,
}

/// Like [`Request::parse`], without a search where `index` is the index of these bytes.
#[inline]
pub fn parse<'a, 'r>(
    bytes: &'a [u8],
    index: Option<&HeadIndex>,
    buffer: &'r mut FieldBuffer<'a>,
) -> Option<(Request<'a>, &'r [Field<'a>])> {
    match index {
        Some(index) => index.request(bytes, buffer),
        None => Request::parse(bytes, buffer),
    }
}

/// Four positions in a head: of a field, start and end of its name, start and end of its value.
pub type IndexEntry = [u16; 4];

/// The minor version in the properties.
const MINOR: u16 = 1;
/// The property that the connection stays open after the response.
const KEEPS_ALIVE: u16 = 2;

impl HeadIndex {
    /// The index of a parsed request; empty if it cannot have one, because its head ends beyond byte 65,535 or empty lines
    /// come before it.
    pub fn of(request: &Request<'_>, fields: &[Field<'_>]) -> Self {
        let mut index = HeadIndex::default();
        let base = request.bytes.as_ptr() as usize;
        // Within the head, whose length fits.
        let start = |part: &[u8]| (part.as_ptr() as usize - base) as u16;
        let place = |part: &[u8]| [start(part), start(part) + part.len() as u16];
        let Ok(head) = u16::try_from(request.head) else { return index };
        if start(request.method.as_bytes()) != 0 {
            return index;
        }
        index.begin(request.method.len() as u16, place(request.target.as_bytes())[1]);
        for field in fields {
            index.add(place(field.name), place(field.value));
        }
        index.end(request.minor, request.keeps_alive(fields), head);
        index
    }

    /// Makes it the index of these [`entries`](Self::entries).
    #[inline]
    pub fn set_entries(&mut self, entries: &[IndexEntry]) {
        self.entries.clear();
        self.entries.extend_from_slice(entries);
    }

    /// Its entries, to be kept elsewhere; none without an index.
    #[inline]
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// Empties the index.
    #[inline]
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Whether it has no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Begins with the request line, at byte 0.
    #[inline]
    pub(super) fn begin(&mut self, method_end: u16, target_end: u16) {
        self.entries.clear();
        self.entries.push([method_end, target_end, 0, 0]);
    }

    /// Adds a field.
    #[inline]
    pub(super) fn add(&mut self, name: [u16; 2], value: [u16; 2]) {
        self.entries.push([name[0], name[1], value[0], value[1]]);
    }

    /// Completes the request line.
    #[inline]
    pub(super) fn end(&mut self, minor: u8, keeps_alive: bool, head: u16) {
        if let Some([_, _, properties, end]) = self.entries.first_mut() {
            *properties = u16::from(minor) & MINOR | if keeps_alive { KEEPS_ALIVE } else { 0 };
            *end = head;
        }
    }

    /// The request line in `bytes`, the same that the index was made of; `None` without an index, and for other bytes.
    pub fn line<'a>(&self, bytes: &'a [u8]) -> Option<RequestLine<'a>> {
        let &[method_end, target_end, properties, _] = self.entries.first()?;
        Some(RequestLine {
            method: bytes.get(..usize::from(method_end))?,
            target: bytes.get(usize::from(method_end) + 1..usize::from(target_end))?,
            minor: (properties & MINOR) as u8,
        })
    }

    /// The fields in `bytes`, the same that the index was made of, in order.
    pub fn fields<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Field<'a>> {
        let part = |start: u16, end: u16| bytes.get(usize::from(start)..usize::from(end));
        let entries = self.entries.get(1..).unwrap_or_default();
        entries.iter().filter_map(move |&[name, name_end, value, value_end]| {
            Some(Field { name: part(name, name_end)?, value: part(value, value_end)? })
        })
    }

    /// The request in `bytes`, the same that the index was made of; `None` without an index, and for other bytes.
    #[inline]
    pub fn request<'a, 'r>(
        &self,
        bytes: &'a [u8],
        buffer: &'r mut FieldBuffer<'a>,
    ) -> Option<(Request<'a>, &'r [Field<'a>])> {
        let (&[method_end, target_end, properties, head], fields) = self.entries.split_first()?;
        let part = |start: u16, end: u16| bytes.get(usize::from(start)..usize::from(end));
        let text = |start, end| std::str::from_utf8(part(start, end)?).ok();
        let request = Request {
            method: text(0, method_end)?,
            target: text(method_end + 1, target_end)?,
            minor: (properties & MINOR) as u8,
            head: usize::from(head),
            bytes: bytes.get(usize::from(head)..).map(|_| bytes)?,
            keeps_alive: Some(properties & KEEPS_ALIVE != 0),
        };
        buffer.clear();
        for &[name, name_end, value, value_end] in fields {
            buffer.push(Field { name: part(name, name_end)?, value: part(value, value_end)? });
        }
        Some((request, buffer.as_slice()))
    }
}
