//! Checks whom a request is for, and which page sent it: it keeps foreign pages away from a server that trusts its
//! machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use larkspur_contract::{Access, Effect, Fault, Reply, Spec, codes};

use crate::AppOptions;
use crate::request::Headers;

/// The target and the origin of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Site<'a> {
    /// `Host`: the host and port of the target. The HTTP layer puts those of the request line there, if present.
    pub host: Option<&'a str>,
    /// `X-Forwarded-Host`: the target before a proxy; several names are separated by commas.
    pub forwarded_host: Option<&'a str>,
    /// Whether a proxy left one of its `MARKS`.
    pub proxied: bool,
    /// `Origin`: the page that sent it, from the browser.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`: the relation of that page to this server, from the browser.
    pub fetch_site: Option<&'a str>,
}

/// The host names under which a server answers private pages: the control API, browser pages, documents, metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Names {
    /// Any.
    #[default]
    Any,
    /// Those of this machine (localhost and below, 127.0.0.0/8, ::1), unless a proxy forwarded the request, and these ones; with
    /// any port. A name that an attacker points here (DNS rebinding) is not among them.
    Only(Vec<String>),
}

impl Names {
    /// Whether a request came under one of the names.
    pub fn admit(&self, site: &Site<'_>) -> bool {
        let Names::Only(listed) = self else { return true };
        let named = |host: &str| listed.iter().any(|name| name.eq_ignore_ascii_case(name_of(host)));
        let Some(host) = site.host else { return false };
        // A proxy on this machine uses the machine's own name for all of its clients.
        let direct = !site.proxied || site.forwarded_host.is_some();
        let before = site.forwarded_host.into_iter().flat_map(|hosts| hosts.split(','));
        (named(host) || (direct && is_of_this_machine(name_of(host)))) && before.map(str::trim).all(named)
    }
}

/// A host without its port, and an IPv6 address without its brackets.
pub(crate) fn name_of(host: &str) -> &str {
    if let Some(address) = host.strip_prefix('[') {
        return address.split(']').next().unwrap_or_default();
    }
    host.split(':').next().filter(|_| !host.contains('@')).unwrap_or_default()
}

/// Whether a host name, without port, is one of this machine. Names below `localhost` are: no name server is asked for
/// them (RFC 6761, 6.3).
pub(crate) fn is_of_this_machine(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || name.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// Host and port of a URL, as written.
pub(crate) fn authority_of(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split('/').next().filter(|authority| !authority.is_empty())
}

/// The host of a URL, without port.
pub(crate) fn host_of(url: &str) -> Option<&str> {
    authority_of(url).map(name_of).filter(|name| !name.is_empty())
}

/// Scheme and authority with which the client reached this server, as far as the request shows them. `schemes` are those
/// of plain and of encrypted connections.
pub(crate) fn origin(headers: &dyn Headers, public_url: &str, schemes: [&str; 2]) -> String {
    let first = |name: &str| {
        let value = headers.get(name)?.split(',').next()?.trim();
        Some(value).filter(|value| !value.is_empty())
    };
    let is_authority =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    let public = authority_of(public_url);
    let host = first("x-forwarded-host")
        .or_else(|| first("host"))
        .filter(is_authority)
        .or(public)
        .unwrap_or_default();
    let is_encrypted = match first("x-forwarded-proto") {
        Some(scheme) => scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss"),
        None => {
            public_url.starts_with("https://")
                && public.is_some_and(|public| public.eq_ignore_ascii_case(host))
        }
    };
    format!("{}://{host}", schemes[usize::from(is_encrypted)])
}

/// The address that a request comes from. A proxy on this machine says it in the last entry of `X-Forwarded-For`; what
/// other peers say there is not trusted.
pub(crate) fn address(peer: Option<IpAddr>, headers: &(dyn Headers + Sync)) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    if !peer.is_loopback() {
        return Some(peer);
    }
    let all = headers.all();
    let named = all.iter().rfind(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"));
    match named.and_then(|(_, list)| list.rsplit(',').next()) {
        Some(last) => last.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical()),
        None => Some(peer),
    }
}

/// The headers that proxies add.
const MARKS: [&str; 8] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
];

impl<'a> Site<'a> {
    /// Reads the headers of a request.
    pub fn of(headers: &'a (dyn Headers + Sync)) -> Self {
        Site {
            host: headers.get("host"),
            forwarded_host: headers.get("x-forwarded-host"),
            proxied: MARKS.iter().any(|mark| headers.get(mark).is_some()),
            origin: headers.get("origin"),
            fetch_site: headers.get("sec-fetch-site"),
        }
    }

    /// Whether a page of this server sent it, or no page at all; browsers say which one did. `public` is the public
    /// URL, if there is one.
    fn is_own(&self, public: &str) -> bool {
        if let Some(kinship) = self.fetch_site {
            return kinship == "same-origin";
        }
        let Some(origin) = self.origin else { return true };
        let Some(from) = authority_of(origin) else { return false };
        let own = [self.host, self.forwarded_host, authority_of(public)];
        own.into_iter().flatten().any(|host| host.eq_ignore_ascii_case(from))
    }
}

/// Refuses a request under a foreign name if a foreign page could read the answer, and a form that a foreign page sent.
/// Reads only the spec.
pub(crate) fn check(options: &AppOptions, spec: &Spec, headers: &(dyn Headers + Sync)) -> Result<(), Fault> {
    let page = spec.reply == Reply::Page;
    if !page && !matches!(spec.access, Access::Control) {
        return Ok(());
    }
    let site = Site::of(headers);
    if !options.names.admit(&site) {
        return Err(Fault::new(codes::HOST_UNKNOWN, stranger(&site)));
    }
    if page && spec.effect == Effect::Writes && !site.is_own(&options.public_url) {
        return Err(Fault::new(codes::FORM_FOREIGN, "a page of another origin sent it"));
    }
    Ok(())
}

/// The foreign name, for the log.
fn stranger(site: &Site<'_>) -> String {
    let host = site.forwarded_host.or(site.host).unwrap_or("none");
    // The sender chose it, and it goes to the log.
    let shown: String = host.chars().filter(char::is_ascii_graphic).take(100).collect();
    format!("the request is for the host {shown}{}", if site.proxied { ", through a proxy" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_says_where_a_call_comes_from() {
        for (peer, forwarded, expected) in [
            ("127.0.0.1", None, Some("127.0.0.1")),
            ("127.0.0.1", Some("8.8.8.8"), Some("8.8.8.8")),
            ("::1", Some("1.1.1.1, 8.8.8.8"), Some("8.8.8.8")),
            ("::ffff:127.0.0.1", Some("::ffff:8.8.8.8"), Some("8.8.8.8")),
            ("127.0.0.1", Some("unknown"), None),
            ("9.9.9.9", Some("8.8.8.8"), Some("9.9.9.9")),
            ("::ffff:9.9.9.9", None, Some("9.9.9.9")),
        ] {
            let headers: Vec<(&str, &str)> =
                forwarded.into_iter().map(|value| ("X-Forwarded-For", value)).collect();
            let peer = peer.parse().expect("an address");
            let expected = expected.map(|address| address.parse().expect("an address"));
            assert_eq!(address(Some(peer), &headers), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(address(None, &vec![("X-Forwarded-For", "8.8.8.8")]), None);
    }

    fn at(host: &str) -> Site<'_> {
        Site { host: Some(host), ..Site::default() }
    }

    #[test]
    fn names_of_this_machine_and_those_of_the_list() {
        let names = Names::Only(vec!["larkspur.example.com".to_owned(), "10.0.0.1".to_owned()]);
        for good in [
            "localhost",
            "LOCALHOST:5275",
            "larkspur.localhost:5275",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:5275",
            "[::1]",
            "Larkspur.Example.com:443",
            "10.0.0.1:5275",
        ] {
            assert!(names.admit(&at(good)), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.2",
            "[::2]:1",
            "128.0.0.1",
            "x.larkspur.example.com",
            "localhost@evil.example",
            "localhost:1@evil.example",
        ] {
            assert!(!names.admit(&at(bad)), "{bad}");
        }
        assert!(!names.admit(&Site::default()), "no name at all");
        assert!(Names::Any.admit(&at("evil.example")) && Names::Any.admit(&Site::default()));
    }

    #[test]
    fn what_a_proxy_passes_on_counts_by_the_name_before_it() {
        let names = Names::Only(vec!["larkspur.example.com".to_owned()]);
        let behind = |host, forwarded_host| Site {
            proxied: true,
            forwarded_host,
            ..Site { host: Some(host), ..Site::default() }
        };
        assert!(names.admit(&behind("larkspur.example.com", None)));
        assert!(names.admit(&behind("127.0.0.1:5275", Some("larkspur.example.com"))));
        for (host, forwarded) in [
            ("127.0.0.1:5275", None),
            ("127.0.0.1:5275", Some("localhost")),
            ("127.0.0.1:5275", Some("larkspur.example.com, evil.example")),
            // A page under a foreign name that leads here can send any header, but cannot change its own name.
            ("evil.example", Some("larkspur.example.com")),
        ] {
            assert!(!names.admit(&behind(host, forwarded)), "{host} {forwarded:?}");
        }
    }

    #[test]
    fn foreign_pages_are_recognized() {
        let public = "https://larkspur.example.com";
        let from = |origin, fetch_site| Site { origin, fetch_site, ..at("127.0.0.1:5275") };
        for own in [
            from(None, None),
            from(Some("http://127.0.0.1:5275"), None),
            from(Some("https://larkspur.example.com"), None),
            from(Some("null"), Some("same-origin")),
        ] {
            assert!(own.is_own(public), "{own:?}");
        }
        for other in [
            from(Some("http://evil.example"), None),
            from(Some("http://127.0.0.1:3000"), None),
            from(Some("null"), None),
            from(None, Some("cross-site")),
            from(None, Some("same-site")),
            from(None, Some("none")),
            from(Some("http://127.0.0.1:5275"), Some("cross-site")),
        ] {
            assert!(!other.is_own(public), "{other:?}");
        }
        assert!(!from(Some("http://evil.example"), None).is_own(""));
    }
}
