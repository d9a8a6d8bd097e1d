//! WebSocket frames: as PHP objects, and as bytes to send.

use crate::runtime::last_error;
use std::cell::RefCell;
use std::rc::Rc;
use swoosh::proto::websocket::deflate::{self, DeflateParams};
use swoosh::proto::websocket::{Opcode, is_close_code, put_frame};
use swoosh_zend::{ClassSlot, Object, PhpResult};

/// `Swoole\WebSocket\Frame`.
pub static FRAME: ClassSlot = ClassSlot::new();

/// `Swoole\WebSocket\CloseFrame`.
pub static CLOSE_FRAME: ClassSlot = ClassSlot::new();

/// The slot of `fd`.
pub const FD: usize = 0;

/// The slot of `data`.
pub const DATA: usize = 1;

/// The slot of `opcode`.
pub const OPCODE: usize = 2;

/// The slot of `flags`.
pub const FLAGS: usize = 3;

/// The slot of `finish`.
pub const FINISH: usize = 4;

/// The slot of `code` of a close frame.
pub const CODE: usize = 5;

/// The slot of `reason` of a close frame.
pub const REASON: usize = 6;

/// The `flags` of a received, complete message.
pub fn received_flags(masked: bool, packed: bool) -> i64 {
    FIN | if masked { MASK } else { 0 } | if packed { COMPRESS | RSV1 } else { 0 }
}

/// The object of a received message.
pub fn object(fd: u64, opcode: Opcode, data: &[u8], flags: i64) -> PhpResult<Object> {
    let object = Object::new(FRAME.get())?;
    object.set_slot(FD, fd);
    object.set_slot(DATA, data);
    object.set_slot(OPCODE, opcode as i32);
    object.set_slot(FLAGS, flags);
    object.set_slot(FINISH, true);
    Ok(object)
}

/// The object of a received close frame.
pub fn close_object(fd: u64, code: u16, reason: &[u8], flags: i64) -> PhpResult<Object> {
    let object = Object::new(CLOSE_FRAME.get())?;
    object.set_slot(FD, fd);
    object.set_slot(FLAGS, flags);
    object.set_slot(FINISH, true);
    object.set_slot(CODE, if code == 1005 { 1000 } else { i32::from(code) });
    object.set_slot(REASON, reason);
    Ok(object)
}

/// The frame that `push` and `pack` take.
pub struct OutgoingFrame {
    /// The payload.
    pub data: Vec<u8>,
    /// The opcode, 0 to 15.
    pub opcode: u8,
    /// `SWOOLE_WEBSOCKET_FLAG_*`.
    pub flags: i64,
}

impl OutgoingFrame {
    /// A control frame of at most 125 bytes.
    pub fn control(opcode: Opcode, data: Vec<u8>) -> OutgoingFrame {
        OutgoingFrame { data, opcode: opcode as u8, flags: FIN }
    }

    /// Whether it is a control frame.
    pub fn is_control(&self) -> bool {
        self.opcode >= FIRST_CONTROL
    }

    /// Its first byte. A control frame is always final: it must not be fragmented (RFC 6455 section 5.5).
    pub fn first_byte(&self) -> u8 {
        let is_final = self.flags & FIN != 0 || self.is_control();
        self.opcode | if is_final { 0x80 } else { 0 }
    }

    /// Encodes the frame. With negotiated `deflate`, a message in a single frame is compressed.
    pub fn write(&self, mask: Option<[u8; 4]>, deflate: Option<DeflateParams>) -> Vec<u8> {
        let mut first = self.first_byte();
        let wanted = deflate.filter(|_| matches!(first, 0x81 | 0x82));
        let short = wanted.map(|agreed| compressed(&self.data, agreed));
        if short.is_some() {
            first |= 0x40;
        }
        let data = short.as_deref().unwrap_or(&self.data);
        let mut out = Vec::with_capacity(data.len() + 14);
        put_frame(&mut out, first, mask, data);
        out
    }
}

/// Cache of one compressed message, for broadcasts: plain bytes, compressed bytes, parameters.
type CachedMessage = (Vec<u8>, Rc<[u8]>, DeflateParams);

/// Compresses a message, once for consecutive pushes of the same bytes.
fn compressed(data: &[u8], agreed: DeflateParams) -> Rc<[u8]> {
    thread_local! {
        static CACHE: RefCell<Option<CachedMessage>> = const { RefCell::new(None) };
    }
    if data.len() > MAX_CACHED {
        return deflate::deflate(data, agreed).into();
    }
    CACHE.with_borrow_mut(|last| {
        if let Some((of, short, with)) = last
            && *with == agreed
            && of == data
        {
            return short.clone();
        }
        let short: Rc<[u8]> = deflate::deflate(data, agreed).into();
        *last = Some((data.to_vec(), short.clone(), agreed));
        short
    })
}

/// An unpredictable mask (RFC 6455 section 5.3).
pub fn mask() -> [u8; 4] {
    (std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) as u32).to_ne_bytes()
}

/// Whether a ping may carry these bytes; warns if not.
pub fn fits_control(data: &[u8]) -> bool {
    let fits = data.len() <= MAX_CONTROL_PAYLOAD;
    if !fits {
        last_error::warn_misuse("the payload of a ping must not exceed 125 bytes");
    }
    fits
}

/// Validates code and reason of a close frame; `None`, with a warning, if invalid.
pub fn close_code(code: i64, reason: &[u8]) -> Option<u16> {
    let code = u16::try_from(code).ok().filter(|code| is_close_code(*code) && reason.len() <= MAX_CONTROL_PAYLOAD - 2);
    if code.is_none() {
        last_error::warn_misuse(
            "the code of a close frame must be 1000 to 1014 or 3000 to 4999, its reason at most 123 bytes",
        );
    }
    code
}

/// The first opcode of control frames (RFC 6455 section 5.2).
const FIRST_CONTROL: u8 = 8;
/// Longest payload of a control frame, bytes (RFC 6455 section 5.5).
const MAX_CONTROL_PAYLOAD: usize = 125;

/// `SWOOLE_WEBSOCKET_FLAG_FIN`.
pub const FIN: i64 = 1;

/// `SWOOLE_WEBSOCKET_FLAG_COMPRESS`.
pub const COMPRESS: i64 = 2;

/// `SWOOLE_WEBSOCKET_FLAG_RSV1`.
pub const RSV1: i64 = 4;

/// `SWOOLE_WEBSOCKET_FLAG_MASK`.
pub const MASK: i64 = 32;

/// Longest message that the cache keeps, bytes.
const MAX_CACHED: usize = 1 << 20;
