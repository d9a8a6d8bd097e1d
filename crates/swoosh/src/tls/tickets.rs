//! Tickets with which a peer goes on with a session it had (RFC 5077, RFC 8446 section 4.6.1), whichever process of the
//! server it meets.
//!
//! The rule that is protected: what a ticket was sealed with is gone for good two periods later. All processes begin with
//! one secret, made before the first fork, and each period's secret is made of the one before, so that they agree by the
//! clock alone and nobody finds the way back.

use crate::error::{Error, Result};
use ring::aead::{self, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seals and opens tickets.
pub struct Tickets {
    began: Instant,
    ring: Mutex<Ring>,
}

/// The secrets of this period and the one before.
struct Ring {
    period: u64,
    now: [u8; SECRET],
    before: Option<[u8; SECRET]>,
}

impl Tickets {
    /// With a secret of its own.
    ///
    /// # Errors
    /// Where the kernel gives no random bytes.
    pub fn new() -> Result<Self> {
        let mut now = [0; SECRET];
        let failed =
            |_| Error::State { operation: "make a secret for tickets", reason: "there are no random bytes".into() };
        SystemRandom::new().fill(&mut now).map_err(failed)?;
        Ok(Tickets { began: Instant::now(), ring: Mutex::new(Ring { period: 0, now, before: None }) })
    }

    fn period(&self) -> u64 {
        self.began.elapsed().as_secs() / PERIOD_SECONDS
    }

    fn seal(&self, period: u64, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let head = period.to_be_bytes();
        let mut ticket = [&head[..], &nonce, plain].concat();
        let key = self.key(period, period)?;
        let (_, body) = ticket.split_at_mut(HEAD);
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(head), body).ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    fn open(&self, now: u64, ticket: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = ticket.split_first_chunk::<8>()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.key(now, u64::from_be_bytes(*head))?;
        let mut body = body.to_vec();
        let len = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(head), &mut body).ok()?.len();
        body.truncate(len);
        Some(body)
    }

    /// The key of `period`, if that is the present one or the one before.
    fn key(&self, now: u64, period: u64) -> Option<LessSafeKey> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        while ring.period < now {
            let next = derive(&ring.now, b"next")?;
            ring.before = Some(std::mem::replace(&mut ring.now, next));
            ring.period += 1;
        }
        let secret = match ring.period.checked_sub(period)? {
            0 => Some(ring.now),
            1 => ring.before,
            _ => None,
        };
        let key = UnboundKey::new(&CHACHA20_POLY1305, &derive(&secret?, b"ticket")?).ok()?;
        Some(LessSafeKey::new(key))
    }
}

/// HKDF-Expand of RFC 5869 section 2.3.
fn derive(secret: &[u8; SECRET], label: &[u8]) -> Option<[u8; SECRET]> {
    let mut out = [0; SECRET];
    let prk = Prk::new_less_safe(HKDF_SHA256, secret);
    prk.expand(&[label], HKDF_SHA256).ok()?.fill(&mut out).ok()?;
    Some(out)
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        PERIOD_SECONDS as u32
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(self.period(), plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(self.period(), cipher)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

/// How long one secret seals tickets.
const PERIOD_SECONDS: u64 = 6 * 3600;
const SECRET: usize = 32;
const HEAD: usize = 8 + NONCE_LEN;
const _: () = assert!(SECRET == 32 && aead::MAX_TAG_LEN == 16);

#[cfg(test)]
mod tests {
    use super::*;

    /// What a forked process has.
    fn fork(of: &Tickets) -> Tickets {
        let ring = of.ring.lock().unwrap();
        let ring = Ring { period: ring.period, now: ring.now, before: ring.before };
        Tickets { began: of.began, ring: Mutex::new(ring) }
    }

    #[test]
    fn a_ticket_is_opened_by_each_process_for_two_periods() {
        let one = Tickets::new().unwrap();
        let other = fork(&one);
        let ticket = one.seal(3, b"session").unwrap();
        assert_eq!(other.open(3, &ticket).as_deref(), Some(&b"session"[..]));
        let late = fork(&one);
        assert_eq!(other.open(4, &ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(other.open(5, &ticket), None);
        assert_eq!(late.open(4, &ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(Tickets::new().unwrap().open(3, &ticket), None);
    }

    #[test]
    fn what_is_no_ticket_is_not_opened() {
        let one = Tickets::new().unwrap();
        let ticket = one.seal(0, b"session").unwrap();
        for n in 0..ticket.len() {
            assert_eq!(one.open(0, &ticket[..n]), None);
            let mut other = ticket.clone();
            other[n] ^= 1;
            assert_eq!(one.open(0, &other), None, "byte {n}");
        }
        assert_eq!(one.open(0, &[0xFF; 100]), None);
    }
}
