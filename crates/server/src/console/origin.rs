//! Which requests the console and its session accept: the one check, behind routing.
//!
//! Neither cookies nor `SameSite` tell the ports of a host apart: a page on another port of 127.0.0.1 can send the cookie.
//! So a request that relies on it must come from the console's own page, and under a name that no attacker can point here.

use larkspur_contract::{Fault, codes};

use super::Place;
use crate::request::Headers;
use crate::site::{Site, is_of_this_machine, name_of};

/// The header with which the page shows that it read the session.
pub(super) const HEADER: &str = "x-larkspur-console";

/// A request without path and body.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    /// The method.
    pub(super) method: &'a str,
    /// The headers.
    pub(super) headers: &'a (dyn Headers + Sync),
}

/// What a request relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reliance<'a> {
    /// Nothing: the page and its files, which are public.
    Page,
    /// A link or the control key, in its body.
    Login,
    /// The cookie of a session, with this text for [`HEADER`].
    Session(&'a str),
}

/// Checks the name under which a request came, and the page that sent it.
///
/// # Errors
/// 5275422: another name. 5275418: another page.
pub(super) fn check(place: &Place, head: Head<'_>, reliance: Reliance<'_>) -> Result<(), Fault> {
    let site = Site::of(head.headers);
    let own = place.origin(&site).ok_or_else(|| Fault::new(codes::CONSOLE_HOST_UNKNOWN, "another host"))?;
    let foreign = |why: &'static str| Err(Fault::new(codes::CONSOLE_FOREIGN, why));
    if reliance == Reliance::Page {
        return Ok(());
    }
    if site.fetch_site.is_some_and(|kinship| kinship != "same-origin") {
        return foreign("Sec-Fetch-Site names another site");
    }
    let reads = matches!(head.method, "GET" | "HEAD");
    match (site.origin, reliance) {
        (Some(origin), _) if bare(origin) != bare(&own) => return foreign("another Origin"),
        (None, Reliance::Session(_)) if !reads => return foreign("no Origin"),
        _ => {}
    }
    match (reliance, head.headers.get(HEADER)) {
        (Reliance::Session(csrf), given) if !reads && given != Some(csrf) => {
            foreign("X-Larkspur-Console is missing or not that of the session")
        }
        _ => Ok(()),
    }
}

impl Place {
    /// Its URL, without a trailing slash.
    pub(super) fn url(&self) -> String {
        match self {
            Place::Machine(address) => format!("http://{address}"),
            Place::Url(url) => url.clone(),
        }
    }

    /// Whether browsers reach it by HTTPS.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Place::Url(url) if url.starts_with("https://"))
    }

    /// The origin of its pages, if a request came under one of its names.
    fn origin(&self, site: &Site<'_>) -> Option<String> {
        let host = site.host?;
        match self {
            Place::Machine(address) => {
                // A proxy on this machine may use the machine's own name for all of its clients.
                let own =
                    !site.proxied && is_of_this_machine(name_of(host)) && has_port(host, address.port());
                own.then(|| format!("http://{host}"))
            }
            Place::Url(url) => {
                let scheme = url.split_once("://")?.0;
                let is_named = |host: &str| bare(&format!("{scheme}://{host}")) == bare(url);
                // A proxy on this machine may put its own name for the server in place of the one that it was asked for.
                let passed_on = site.forwarded_host.is_some() && is_of_this_machine(name_of(host));
                let before = site.forwarded_host.into_iter().flat_map(|hosts| hosts.split(','));
                let own = (is_named(host) || passed_on) && before.map(str::trim).all(is_named);
                own.then(|| url.clone())
            }
        }
    }
}

/// Whether a host has a port, by itself or as that of HTTP.
fn has_port(host: &str, port: u16) -> bool {
    let given = host.rsplit_once(':').filter(|(_, digits)| !digits.ends_with(']'));
    match given {
        Some((_, digits)) => digits.parse() == Ok(port) && !digits.starts_with('+'),
        None => port == 80,
    }
}

/// An origin as it is compared: in lower case, and without the port that its scheme implies.
fn bare(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let port = if origin.starts_with("https://") { ":443" } else { ":80" };
    origin.strip_suffix(port).map_or_else(|| origin.clone(), str::to_owned)
}
