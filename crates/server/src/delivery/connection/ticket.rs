//! Tickets, which let a client open a connection after its app has authenticated.
//!
//! A ticket is signed, so that each server of a store accepts those of the others. On one server it can be used once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::Keys;

/// How long a ticket is valid, in real milliseconds.
const LIFE_MS: i64 = 60_000;
/// How much the clocks of servers may differ.
const SKEW_MS: i64 = 10_000;
/// Digits of the signature: 128 bits.
const SIGNATURE: usize = 32;

/// The contents of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The app that connects.
    pub(super) app_id: AppId,
    /// The tenant that made it.
    pub(super) tenant: TenantKey,
    /// When it expires, in real time.
    expires_at: i64,
    /// A random number that makes it unique. The connection has it as its ID.
    pub(super) nonce: u64,
    /// A mark of the app's secret: a new secret ends the ticket.
    secret: u64,
}

impl Ticket {
    /// A new one for an app of `tenant` whose secret has the mark `secret`; see [`mark`]. `nonce` is random.
    pub(super) fn new(app_id: AppId, tenant: TenantKey, now: i64, nonce: u64, secret: u64) -> Self {
        Ticket { app_id, tenant, expires_at: now + LIFE_MS, nonce, secret }
    }

    /// Whether it was issued for a secret with this hash.
    pub(super) fn is_for(&self, keys: &Keys, secret_hash: &str) -> bool {
        self.secret == mark(keys, secret_hash)
    }

    /// Its text: hex digits.
    pub(super) fn issue(&self, keys: &Keys) -> String {
        let Ticket { app_id, tenant, expires_at, nonce, secret } = self;
        let said = format!("{:016x}{tenant}{expires_at:016x}{nonce:016x}{secret:016x}", app_id.0);
        let signature = signature(keys, &said);
        said + &signature
    }

    /// Reads a text; `None` if no server of this store issued it or it has expired.
    pub(super) fn read(keys: &Keys, text: &str, now: i64) -> Option<Self> {
        let (said, signed) = text.split_at_checked(80)?;
        // The signatures are compared by hashes of them, so the time does not depend on the number of correct digits.
        if !keys.secret_matches(signed, &keys.hash_secret(&signature(keys, said))) {
            return None;
        }
        let number = |at: usize| u64::from_str_radix(said.get(at..at + 16)?, 16).ok();
        let expires_at = i64::try_from(number(32)?).ok()?;
        let ticket = Ticket {
            app_id: AppId(number(0)?),
            tenant: TenantKey(number(16)?),
            expires_at,
            nonce: number(48)?,
            secret: number(64)?,
        };
        (now - SKEW_MS..=now + LIFE_MS + SKEW_MS).contains(&expires_at).then_some(ticket)
    }
}

fn signature(keys: &Keys, said: &str) -> String {
    let mut signature = keys.hash_secret(&format!("ticket of a long connection {said}"));
    signature.truncate(SIGNATURE);
    signature
}

/// A mark of a secret with this hash; it tells nothing about the secret.
pub(super) fn mark(keys: &Keys, secret_hash: &str) -> u64 {
    let hash = keys.hash_secret(&format!("secret behind a ticket {secret_hash}"));
    hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// The used tickets, while they are valid.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashSet<u64>,
    /// When each expires, in the order of use.
    order: VecDeque<(i64, u64)>,
}

impl Used {
    /// Uses a ticket; false if it was used before.
    pub(super) fn take(&self, ticket: &Ticket, now: i64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, nonce)) = state.order.front().copied().filter(|(until, _)| *until < now) {
            state.order.pop_front();
            state.known.remove(&nonce);
        }
        if !state.known.insert(ticket.nonce) {
            return false;
        }
        state.order.push_back((now + LIFE_MS + 2 * SKEW_MS, ticket.nonce));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn ticket(nonce: u64) -> Ticket {
        Ticket::new(AppId(0xa1), TenantKey(0xb2), NOW, nonce, mark(&Keys::derive("master"), "hash"))
    }

    #[test]
    fn tickets_are_those_of_the_store_and_short_lived() {
        let keys = Keys::derive("master");
        let text = ticket(u64::MAX).issue(&keys);
        assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
        assert_eq!(Ticket::read(&keys, &text, NOW), Some(ticket(u64::MAX)));
        assert_eq!(Ticket::read(&keys, &text, NOW + LIFE_MS), Some(ticket(u64::MAX)));
        assert_eq!(Ticket::read(&keys, &text, NOW + LIFE_MS + SKEW_MS + 1), None);
        assert_eq!(
            Ticket::read(&keys, &text, NOW - SKEW_MS - 1),
            None,
            "it would live longer than tickets do"
        );
        assert_eq!(Ticket::read(&Keys::derive("other"), &text, NOW), None);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(Ticket::read(&keys, str::from_utf8(&changed).expect("ASCII"), NOW), None, "{at}");
        }
        for wrong in ["", "x", &text[..80], &text[..111], &format!("{text}0"), &"é".repeat(60)] {
            assert_eq!(Ticket::read(&keys, wrong, NOW), None, "{wrong}");
        }
    }

    #[test]
    fn a_ticket_is_for_one_secret() {
        let keys = Keys::derive("master");
        assert!(ticket(1).is_for(&keys, "hash"));
        assert!(!ticket(1).is_for(&keys, "other") && !ticket(1).is_for(&Keys::derive("other"), "hash"));
    }

    #[test]
    fn a_ticket_is_used_once_and_then_forgotten() {
        let used = Used::default();
        assert!(used.take(&ticket(1), NOW) && !used.take(&ticket(1), NOW) && used.take(&ticket(2), NOW + 1));
        assert!(!used.take(&ticket(1), NOW + LIFE_MS + SKEW_MS), "as long as it is good");
        assert!(used.take(&ticket(3), NOW + 2 * LIFE_MS));
        assert_eq!(used.0.lock().expect("not poisoned").known.len(), 1);
    }
}
