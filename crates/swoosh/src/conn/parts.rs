//! Bytes that are written together: a head and its body.

use std::borrow::Cow;

/// Bytes to write, in up to two parts that leave as one: a long body is not copied behind its head.
///
/// ```
/// use swoosh::conn::Parts;
///
/// let parts = Parts::new(b"head, ", b"body");
/// assert_eq!((parts.len(), &*parts.joined()), (10, &b"head, body"[..]));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    head: &'a [u8],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Bodies from this length on are written from where they are: a copy costs more than the second part of a write.
    pub const MIN_UNCOPIED: usize = 8 << 10;

    /// The room that a body of that length needs behind its head: none if it is a part of its own.
    pub fn room_for(body: usize) -> usize {
        if body < Self::MIN_UNCOPIED { body } else { 0 }
    }

    /// A head and a body; either may be empty.
    pub fn new(head: &'a [u8], body: &'a [u8]) -> Self {
        Parts { head, body }
    }

    /// The bytes of both parts.
    pub fn len(self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Both parts in one piece, copied if neither is empty.
    pub fn joined(self) -> Cow<'a, [u8]> {
        match (self.head, self.body) {
            (one, []) | ([], one) => Cow::Borrowed(one),
            (head, body) => Cow::Owned([head, body].concat()),
        }
    }

    pub(super) fn slices(self) -> [&'a [u8]; 2] {
        [self.head, self.body]
    }

    /// The bytes behind the first `count`.
    pub(super) fn after(self, count: usize) -> Self {
        let of_head = count.min(self.head.len());
        Parts { head: &self.head[of_head..], body: &self.body[count - of_head..] }
    }
}

impl<'a> From<&'a [u8]> for Parts<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Parts { head: bytes, body: &[] }
    }
}
