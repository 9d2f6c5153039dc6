//! Parses single values of settings: fixed sets, ranges, and forms of addresses.

use larkspur_contract::envelope::Brand;
use larkspur_store_postgres as postgres;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Value;

use crate::RateLimits;

/// The sources of log lines: the crates of this program, and libraries that log in the same way.
const SPEAKERS: &[&str] = &[
    "larkspur_server",
    "larkspur_store",
    "larkspur_store_postgres",
    "larkspur_store_sqlite",
    "larkspur_api",
    "larkspur_control",
    "hyper_util",
    "object_store",
];
/// The levels of log lines.
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];

/// A whole number from `MIN` to `MAX`.
pub(super) fn within<'de, D, T, const MIN: i64, const MAX: i64>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let asked = i64::deserialize(from)?;
    let fits = (MIN..=MAX).contains(&asked).then(|| T::try_from(asked).ok()).flatten();
    fits.ok_or_else(|| Error::custom(format!("{asked} is not between {MIN} and {MAX}")))
}

/// `platform`, `off`, or a number above 0.
pub(super) fn rate_limits<'de, D: Deserializer<'de>>(from: D) -> Result<RateLimits, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => text.parse().map_err(Error::custom),
        Value::Integer(number) => number.to_string().parse().map_err(Error::custom),
        Value::Float(number) => number.to_string().parse().map_err(Error::custom),
        _ => Err(Error::custom("not platform, off or a number above 0")),
    }
}

/// `auto`, as `None`, or a number of seconds up to a day.
pub(super) fn seconds_or_auto<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let wrong = || Error::custom("not auto or a whole number from 0 to 86400");
    let number = match Value::deserialize(from)? {
        Value::String(text) if text == "auto" => return Ok(None),
        Value::String(text) => text.parse().map_err(|_| wrong())?,
        Value::Integer(number) => u64::try_from(number).map_err(|_| wrong())?,
        _ => return Err(wrong()),
    };
    Some(number).filter(|number| *number <= 86_400).map(Some).ok_or_else(wrong)
}

/// 400 or 429.
pub(super) fn rate_limit_status<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    match u16::deserialize(from)? {
        status @ (400 | 429) => Ok(status),
        other => Err(Error::custom(format!("{other} is not 429 or 400"))),
    }
}

/// IP addresses, separated by commas.
pub(super) fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(from)?;
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| match part.parse::<std::net::IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(D::Error::custom(format!("{part:?} is not an IP address, such as 203.0.113.7"))),
    };
    parts.map(read).collect()
}

/// How connections to PostgreSQL are encrypted.
pub(super) fn tls<'de, D: Deserializer<'de>>(from: D) -> Result<postgres::Tls, D::Error> {
    match String::deserialize(from)?.as_str() {
        "prefer" => Ok(postgres::Tls::Prefer),
        "require" => Ok(postgres::Tls::Require),
        "verify" => Ok(postgres::Tls::Verify),
        other => Err(Error::custom(format!("{other:?} is not prefer, require or verify"))),
    }
}

/// A brand of the platform.
pub(super) fn brand<'de, D: Deserializer<'de>>(from: D) -> Result<Brand, D::Error> {
    match String::deserialize(from)?.as_str() {
        "feishu" => Ok(Brand::Feishu),
        "lark" => Ok(Brand::Lark),
        other => Err(Error::custom(format!("{other:?} is not feishu or lark"))),
    }
}

/// A host and a port.
pub(super) fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let pair = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match pair.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(text),
        _ => Err(Error::custom(format!("{text:?} is not an address with a port, such as 127.0.0.1:5275"))),
    }
}

/// A path that is not empty.
pub(super) fn directory<'de, D: Deserializer<'de>>(from: D) -> Result<std::path::PathBuf, D::Error> {
    let path = std::path::PathBuf::deserialize(from)?;
    if path.as_os_str().is_empty() { Err(Error::custom("it is empty: name a directory")) } else { Ok(path) }
}

/// A key that fits into an `Authorization` header; empty for a random one.
pub(super) fn control_key<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let key = String::deserialize(from)?;
    if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key);
    }
    // Not repeated here: it is a secret.
    Err(Error::custom("only visible ASCII characters without spaces can be sent in a header"))
}

/// The address of a server: scheme, host and port; empty for none.
pub(super) fn public_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let url = String::deserialize(from)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = |rest: &str| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte))
    };
    if url.is_empty() || rest.is_some_and(host) {
        return Ok(url);
    }
    Err(Error::custom("not http:// or https:// with a host and an optional port, and nothing after it"))
}

/// Host names and addresses, as a list or separated by commas.
pub(super) fn hosts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let asked: Vec<String> = match Value::deserialize(from)? {
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::String(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        list => list.try_into().map_err(|_| Error::custom("not a list of names"))?,
    };
    let bare = |name: &str| {
        name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name).to_owned()
    };
    let hosts: Vec<String> = asked.iter().map(|name| bare(name)).collect();
    let fits = |name: &&String| {
        name.parse::<std::net::IpAddr>().is_err()
            && (name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)))
    };
    match hosts.iter().find(fits) {
        Some(wrong) => Err(Error::custom(format!(
            "{wrong:?} is not a host name or address: leave out the port and http://"
        ))),
        None => Ok(hosts),
    }
}

/// Where files are kept, by its scheme; the rest is checked when they are opened.
pub(super) fn blobs_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let url = String::deserialize(from)?;
    let folder = url.strip_prefix("file://").is_some_and(|folder| folder.starts_with('/'));
    let bucket = url.strip_prefix("s3://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if url.is_empty() || url == "memory:" || folder || bucket {
        return Ok(url);
    }
    Err(Error::custom("not file:///folder, s3://bucket/prefix or memory:"))
}

/// Levels and directives of log lines.
pub(super) fn log_level<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    for directive in text.split(',') {
        directives(directive.trim()).map_err(Error::custom)?;
    }
    Ok(text)
}

/// Checks a directive: an invalid one would silently turn off everything else.
fn directives(text: &str) -> Result<(), String> {
    let level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let (target, asked) = match text.split_once('=') {
        Some((target, asked)) => (Some(target), Some(asked)),
        None if level(text) => (None, Some(text)),
        None => (Some(text), None),
    };
    if let Some(asked) = asked.filter(|asked| !level(asked)) {
        return Err(format!("{asked:?} is not a level: use one of {}", LEVELS.join(", ")));
    }
    let known = |target: &str| {
        let first = target.split("::").next().unwrap_or_default();
        SPEAKERS.contains(&first)
    };
    match target {
        Some(target) if !known(target) => Err(format!(
            "{target:?} is not a level ({}) or a source of log lines ({})",
            LEVELS.join(", "),
            SPEAKERS.join(", ")
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_that_mean_something() {
        for good in ["info", "WARN", "off", "larkspur_server=debug", "larkspur_server::delivery=trace"] {
            assert_eq!(directives(good), Ok(()), "{good}");
        }
        for wrong in ["warning", "", "verbose", "larkspur=debug", "larkspur_server=loud", "info=debug", "3"] {
            assert!(directives(wrong).is_err(), "{wrong}");
        }
    }
}
