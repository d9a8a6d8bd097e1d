//! Session tickets (RFC 5077, RFC 8446 section 4.6.1) that every process of the server accepts.
//!
//! Invariant: the key of a ticket is destroyed two periods later. All processes start with one secret, made before the first
//! fork; the secret of a period is derived from that of the period before by a one-way function, so that processes agree by
//! the clock alone and an old secret cannot be recovered.

use crate::error::{Error, Result};
use ring::aead::{self, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Encrypts and decrypts tickets.
pub(super) struct Tickets {
    started_at: Instant,
    secrets: Mutex<Secrets>,
}

/// The secrets of this period and of the one before.
struct Secrets {
    period: u64,
    current: [u8; SECRET],
    previous: Option<[u8; SECRET]>,
}

impl Tickets {
    /// Tickets with a new random secret.
    ///
    /// # Errors
    /// If the kernel has no random bytes.
    pub(super) fn new() -> Result<Self> {
        let mut current = [0; SECRET];
        let failed = |_| Error::State { operation: "make a ticket secret", reason: "no random bytes".into() };
        SystemRandom::new().fill(&mut current).map_err(failed)?;
        let secrets = Mutex::new(Secrets { period: 0, current, previous: None });
        Ok(Tickets { started_at: Instant::now(), secrets })
    }

    fn period(&self) -> u64 {
        self.started_at.elapsed().as_secs() / PERIOD_SECONDS
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

    /// The key of `period`, if that is the current one or the one before.
    fn key(&self, now: u64, period: u64) -> Option<LessSafeKey> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        while secrets.period < now {
            let next = derive(&secrets.current, b"next")?;
            secrets.previous = Some(std::mem::replace(&mut secrets.current, next));
            secrets.period += 1;
        }
        let secret = match secrets.period.checked_sub(period)? {
            0 => Some(secrets.current),
            1 => secrets.previous,
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

/// The period of one secret.
const PERIOD_SECONDS: u64 = 6 * 3600;
const SECRET: usize = 32;
const HEAD: usize = 8 + NONCE_LEN;
const _: () = assert!(SECRET == 32 && aead::MAX_TAG_LEN == 16);

#[cfg(test)]
mod tests {
    use super::*;

    /// The copy that a forked process has.
    fn fork(of: &Tickets) -> Tickets {
        let secrets = of.secrets.lock().unwrap();
        let secrets = Secrets { period: secrets.period, current: secrets.current, previous: secrets.previous };
        Tickets { started_at: of.started_at, secrets: Mutex::new(secrets) }
    }

    #[test]
    fn every_process_decrypts_a_ticket_for_two_periods() {
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
    fn a_damaged_ticket_is_rejected() {
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
