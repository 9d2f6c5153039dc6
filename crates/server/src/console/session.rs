//! How one gets into the console: links that work once, the control key, and the session that they begin.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use larkspur_contract::{Code, Fault, codes};
use larkspur_store::Keys;
use serde::Deserialize;
use serde_json::json;

use super::origin::{Head, Reliance, check};
use super::{Console, ConsoleOptions, guarded};
use crate::request::{BodyError, Headers, Request, Response};
use crate::site;

/// How long a session lasts, in milliseconds.
const SESSION_MS: i64 = 12 * 3600 * 1000;
/// How long a link works, in milliseconds.
const LINK_MS: i64 = 10 * 60 * 1000;
/// The most links that wait to be used. Beyond, the oldest ends.
const LINKS_MAX: usize = 64;
/// Wrong keys and links that an address may send in a minute.
const TRIES: u32 = 5;
/// The period in which they are counted, in milliseconds.
const MINUTE_MS: i64 = 60_000;
/// The most addresses whose tries are counted. Beyond, new addresses share one count.
const PEERS_MAX: usize = 4096;
/// The most bytes of a login.
const LOGIN_LIMIT: usize = 4096;

/// A session of a browser. Every server on the store with the same control key accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    expires_at_ms: i64,
    nonce: String,
}

impl Session {
    /// A new one.
    fn fresh(now: i64) -> Self {
        Session { expires_at_ms: now.saturating_add(SESSION_MS), nonce: Keys::fresh_secret() }
    }

    /// What is signed. The hash of the control key is part of it, so a new key ends every session.
    fn message(&self, purpose: &str, control_hash: &str) -> String {
        format!("{purpose} {control_hash} {} {}", self.expires_at_ms, self.nonce)
    }

    /// The value of its cookie.
    fn value(&self, keys: &Keys, control_hash: &str) -> String {
        let mark = keys.sign_session(&self.message("session", control_hash));
        format!("{}.{}.{mark}", self.expires_at_ms, self.nonce)
    }

    /// The session of a cookie, if this store signed it and it has not ended.
    pub(super) fn read(value: &str, keys: &Keys, control_hash: &str, now: i64) -> Option<Self> {
        let mut parts = value.split('.');
        let (expires, nonce, mark) = (parts.next()?, parts.next()?, parts.next()?);
        let session = Session { expires_at_ms: expires.parse().ok()?, nonce: nonce.to_owned() };
        let is_signed =
            parts.next().is_none() && keys.session_matches(&session.message("session", control_hash), mark);
        (is_signed && session.expires_at_ms > now).then_some(session)
    }

    /// What the page sends with every change, to show that it read the session.
    pub(super) fn csrf(&self, keys: &Keys, control_hash: &str) -> String {
        keys.sign_session(&self.message("csrf", control_hash))
    }
}

/// The values of the cookies of a name. There may be several: other ports of the host can set some, too.
pub(super) fn cookies<'a>(
    headers: &'a (dyn Headers + Sync),
    name: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let pairs = headers.get("cookie").unwrap_or_default().split(';');
    pairs
        .filter_map(move |pair| pair.trim().split_once('='))
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A link that waits to be used.
struct Waiting {
    hash: String,
    expires_at: i64,
}

/// The links that wait to be used, the oldest first, and the wrong tries of each address.
#[derive(Default)]
pub(super) struct Door {
    links: Mutex<VecDeque<Waiting>>,
    tries: Mutex<HashMap<Option<IpAddr>, (i64, u32)>>,
}

impl Door {
    /// A new link: its secret, and when it ends.
    pub(super) fn link(&self, keys: &Keys, now: i64) -> (String, i64) {
        let (secret, expires_at) = (Keys::fresh_secret(), now.saturating_add(LINK_MS));
        let mut links = locked(&self.links);
        links.retain(|link| link.expires_at > now);
        if links.len() >= LINKS_MAX {
            links.pop_front();
        }
        links.push_back(Waiting { hash: keys.hash_secret(&secret), expires_at });
        (secret, expires_at)
    }

    /// Uses up a link; `false` if it cannot be used.
    fn use_link(&self, keys: &Keys, secret: &str, now: i64) -> bool {
        let mut links = locked(&self.links);
        let place = links.iter().position(|link| keys.secret_matches(secret, &link.hash));
        place.and_then(|place| links.remove(place)).is_some_and(|link| link.expires_at > now)
    }

    /// Takes one of the tries of an address, before what it tries is read; `false` if it has none left.
    fn take(&self, peer: Option<IpAddr>, now: i64) -> bool {
        let mut tries = locked(&self.tries);
        tries.retain(|_, (since, _)| now - *since < MINUTE_MS);
        let peer = place(&tries, peer);
        let (_, count) = tries.entry(peer).or_insert((now, 0));
        let may = *count < TRIES;
        *count = count.saturating_add(u32::from(may));
        may
    }

    /// Gives a try back that was no wrong one.
    fn give_back(&self, peer: Option<IpAddr>) {
        let mut tries = locked(&self.tries);
        let peer = place(&tries, peer);
        if let Some((_, count)) = tries.get_mut(&peer) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Where the tries of an address are counted: with those of others, if there are too many addresses.
fn place(tries: &HashMap<Option<IpAddr>, (i64, u32)>, peer: Option<IpAddr>) -> Option<IpAddr> {
    if tries.contains_key(&peer) || tries.len() < PEERS_MAX { peer } else { None }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address whose tries are counted: of IPv6, the network that a household or a machine gets.
fn counted(address: Option<IpAddr>) -> Option<IpAddr> {
    match address? {
        IpAddr::V6(ip) => Some(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64))),
        ip => Some(ip),
    }
}

/// What begins a session.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Login {
    /// The secret of a link.
    Link(String),
    /// The control key.
    Key(String),
}

/// The refusal of a request without a valid session.
pub(super) fn signed_out() -> Fault {
    Fault::new(codes::CONSOLE_SIGNED_OUT, "no session of the console, or one that has ended")
}

impl Console {
    /// Begins a session.
    pub(super) async fn begin(
        &self,
        options: &ConsoleOptions,
        request: &mut Request<'_>,
        now: i64,
    ) -> Result<Response, Fault> {
        check(&options.place, Head { method: request.method, headers: request.headers }, Reliance::Login)?;
        let address = site::address(request.peer, request.headers);
        let peer = counted(address);
        if !self.door.take(peer, now) {
            return Err(Fault::new(codes::CONSOLE_TRIES_USED, "too many tries"));
        }
        let judged = self.judge(request, now).await;
        if !matches!(judged, Ok((false, _))) {
            self.door.give_back(peer);
        }
        let (is_right, code) = judged?;
        let shown = address.map(tracing::field::display);
        if !is_right {
            tracing::warn!(address = shown, code = code.number, "console sign-in refused");
            return Err(Fault::new(code, "a wrong link or key"));
        }
        tracing::info!(address = shown, "console sign-in");
        let session = Session::fresh(now);
        let value = session.value(&self.engine.keys, &self.control_hash);
        let cookie = self.set_cookie(options, &value, SESSION_MS / 1000);
        Ok(with_cookie(self.shown(options, &session), cookie))
    }

    /// Whether a sign-in is right, and the code if it is not.
    async fn judge(&self, request: &mut Request<'_>, now: i64) -> Result<(bool, Code), Fault> {
        let body = request.body.read(LOGIN_LIMIT).await.map_err(|error| match error {
            BodyError::TooLarge => Fault::new(codes::BODY_TOO_LARGE, "the login is too large"),
            BodyError::Broken(why) => Fault::new(codes::BAD_REQUEST, format!("the body was cut off: {why}")),
        })?;
        let login = serde_json::from_slice(&body)
            .map_err(|_| Fault::new(codes::BAD_REQUEST, "neither a link nor a key"))?;
        let keys = &self.engine.keys;
        Ok(match login {
            Login::Link(link) => (self.door.use_link(keys, &link, now), codes::CONSOLE_LINK_INVALID),
            Login::Key(key) => (keys.secret_matches(&key, &self.control_hash), codes::CONTROL_KEY_INVALID),
        })
    }

    /// Shows a session.
    pub(super) fn show(
        &self,
        options: &ConsoleOptions,
        request: &Request<'_>,
        now: i64,
    ) -> Result<Response, Fault> {
        let session = self.relied_on(options, request, now)?;
        Ok(self.shown(options, &session))
    }

    /// Ends a session in its browser.
    pub(super) fn end(
        &self,
        options: &ConsoleOptions,
        request: &Request<'_>,
        now: i64,
    ) -> Result<Response, Fault> {
        self.relied_on(options, request, now)?;
        Ok(with_cookie(guarded(Response::json(200, "{}"), "no-store"), self.set_cookie(options, "", 0)))
    }

    /// The session that a request relies on.
    fn relied_on(&self, options: &ConsoleOptions, request: &Request<'_>, now: i64) -> Result<Session, Fault> {
        let head = Head { method: request.method, headers: request.headers };
        let session = self.session(options, request.headers, now);
        let csrf = session.as_ref().map(|session| session.csrf(&self.engine.keys, &self.control_hash));
        // Also without a session, the answer is for the own page alone.
        let reliance = csrf.as_deref().map_or(Reliance::Login, Reliance::Session);
        check(&options.place, head, reliance)?;
        session.ok_or_else(signed_out)
    }

    fn shown(&self, options: &ConsoleOptions, session: &Session) -> Response {
        let facts = json!({
            "csrf": session.csrf(&self.engine.keys, &self.control_hash),
            "expires_at_ms": session.expires_at_ms,
            "release": env!("CARGO_PKG_VERSION"),
            "base_url": options.base_url,
            "mode": options.mode,
        });
        guarded(Response::json(200, facts.to_string()), "no-store")
    }

    /// The header that sets the cookie, or removes it after 0 seconds.
    fn set_cookie(&self, options: &ConsoleOptions, value: &str, seconds: i64) -> String {
        // Browsers accept a name with __Host- for the whole host only.
        let (path, secure) = if options.place.is_encrypted() { ("/", "; Secure") } else { ("/larkspur", "") };
        let name = self.cookie(options);
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }
}

fn with_cookie(mut response: Response, cookie: String) -> Response {
    response.extra.push(("Set-Cookie", cookie.into()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_or_store_ends_a_session() {
        let (keys, other) = (Keys::derive("one"), Keys::derive("two"));
        let session = Session::fresh(0);
        let value = session.value(&keys, "hash");
        assert_eq!(Session::read(&value, &keys, "hash", SESSION_MS - 1).as_ref(), Some(&session));
        assert_eq!(Session::read(&value, &keys, "hash", SESSION_MS), None);
        assert_eq!(Session::read(&value, &keys, "another", 0), None);
        assert_eq!(Session::read(&value, &other, "hash", 0), None);
        // What the page sends is not a session.
        let csrf = format!("{}.{}.{}", session.expires_at_ms, session.nonce, session.csrf(&keys, "hash"));
        assert_eq!(Session::read(&csrf, &keys, "hash", 0), None);
    }

    #[test]
    fn tries_are_counted_for_a_bounded_number_of_addresses() {
        let door = Door::default();
        let peer = |number: usize| Some(IpAddr::from(u32::try_from(number).expect("small").to_be_bytes()));
        for number in 0..PEERS_MAX {
            assert!(door.take(peer(number), 0));
        }
        assert!(door.take(peer(0), 0));
        door.give_back(peer(0));
        for number in 0..TRIES as usize {
            assert!(door.take(peer(PEERS_MAX + number), 0));
        }
        // New addresses share their tries; those that were counted before do not.
        assert!(!door.take(peer(PEERS_MAX + 9), 0) && door.take(peer(1), 0));
        assert!(locked(&door.tries).len() <= PEERS_MAX + 1);
        assert!(door.take(peer(PEERS_MAX + 9), MINUTE_MS));
    }

    #[test]
    fn the_network_of_an_address() {
        for (address, network) in
            [("10.0.0.1", "10.0.0.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("::1", "::")]
        {
            let read = |text: &str| text.parse().expect("an address");
            assert_eq!(counted(Some(read(address))), Some(read(network)));
        }
        assert_eq!(counted(None), None);
    }
}
