//! Which calls may post through the URL of a custom bot: signatures, addresses and keywords. Source: the guide to custom bots.

use std::net::{IpAddr, Ipv4Addr};

use larkspur_store::Keys;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::content::{self, Parsed};
use crate::base64url;

/// The most bytes of a request.
pub const BODY_MAX: usize = 20 * 1024;
/// The most keywords of a custom bot.
pub const KEYWORDS_MAX: usize = 10;
/// The most entries of its list of addresses.
pub const ADDRESSES_MAX: usize = 10;
/// How far a signed timestamp may be from the server's time, in seconds.
const SKEW_SECONDS: u64 = 3600;

/// The signature of a timestamp: the HMAC-SHA256 of an empty message in base64. The key is the timestamp, a line feed and
/// the secret.
pub fn signature(timestamp: &str, secret: &str) -> String {
    let mac = Keys::sign_nothing(format!("{timestamp}\n{secret}").as_bytes());
    let digits = base64url::encode(&mac).replace('-', "+").replace('_', "/");
    // 32 bytes are 43 digits.
    format!("{digits}=")
}

/// Whether the members `timestamp`, text or a number of seconds, and `sign` of a body are a signature made with the secret
/// within an hour of `now_ms`.
pub fn is_signed(body: &Value, secret: &str, now_ms: i64) -> bool {
    let timestamp = match body.get("timestamp") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return false,
    };
    let Some(sign) = body.get("sign").and_then(Value::as_str) else { return false };
    let near = timestamp
        .parse::<i64>()
        .is_ok_and(|seconds| seconds.abs_diff(now_ms.div_euclid(1000)) <= SKEW_SECONDS);
    near && signature(&timestamp, secret).as_bytes().ct_eq(sign.as_bytes()).into()
}

/// An entry of a list of addresses: an IPv4 address, one with `*` in place of parts, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u32,
    mask: u32,
}

impl Network {
    /// Reads an entry; `None` if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((address, bits)) = text.split_once('/') {
            let digits = bits.len() <= 2 && bits.bytes().all(|byte| byte.is_ascii_digit());
            let bits = bits.parse::<u32>().ok().filter(|count| digits && *count <= 32)?;
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let base = u32::from(address.parse::<Ipv4Addr>().ok()?);
            return Some(Network { base: base & mask, mask });
        }
        let address = text.replace('*', "0").parse::<Ipv4Addr>().ok()?;
        let parts: Vec<&str> = text.split('.').collect();
        // Otherwise an asterisk is a part of a number.
        if parts.iter().any(|part| part.contains('*') && *part != "*") {
            return None;
        }
        let mask = parts.iter().fold(0, |mask, part| (mask << 8) | if *part == "*" { 0 } else { 255 });
        Some(Network { base: u32::from(address) & mask, mask })
    }

    /// Whether an address is in it. IPv6 addresses are in none.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => u32::from(address) & self.mask == self.base,
            IpAddr::V6(_) => false,
        }
    }
}

/// Whether a list of addresses, if it has entries, contains the caller's.
pub fn admits(addresses: &[String], caller: Option<IpAddr>) -> bool {
    let within = |entry: &String| {
        caller.zip(Network::parse(entry)).is_some_and(|(address, network)| network.contains(address))
    };
    addresses.is_empty() || addresses.iter().any(within)
}

/// Whether what is sent contains one of the keywords, if there are any: in its text or titles, or in the texts of a card or
/// the variables of its template, but not in URLs and keys. Of a rich text, only the language that is stored counts.
pub fn has_keyword(sent: &Parsed, keywords: &[String]) -> bool {
    if keywords.is_empty() {
        return true;
    }
    let has = |text: &str| keywords.iter().any(|word| text.contains(word.as_str()));
    match sent.card() {
        Some(card) => serde_json::from_str::<Value>(card).is_ok_and(|card| any_text(&card, false, &has)),
        None => sent.stored(&|_| None).is_ok_and(|stored| has(&content::words(&stored.content))),
    }
}

/// Whether any text in a value has something. `shown`: whether a string here is a text. The depth of what was read from JSON
/// is limited.
fn any_text(value: &Value, shown: bool, has: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => shown && has(text),
        Value::Array(list) => list.iter().any(|item| any_text(item, shown, has)),
        Value::Object(members) => members.iter().any(|(name, member)| match name.as_str() {
            "text" | "title" | "content" => any_text(member, true, has),
            "template_variable" => any_string(member, has),
            _ => any_text(member, false, has),
        }),
        _ => false,
    }
}

/// Whether any string in a value has something.
fn any_string(value: &Value, has: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => has(text),
        Value::Array(list) => list.iter().any(|item| any_string(item, has)),
        Value::Object(members) => members.values().any(|member| any_string(member, has)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use larkspur_contract::model::MsgType;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_signature_of_the_guide() {
        assert_eq!(signature("1599360473", "demo"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
    }

    #[test]
    fn signatures_within_an_hour() {
        let at = |timestamp: Value, offset: i64| {
            let sign = "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=";
            is_signed(&json!({"timestamp": timestamp, "sign": sign}), "demo", (1_599_360_473 + offset) * 1000)
        };
        assert!(at(json!("1599360473"), 0) && at(json!(1_599_360_473), 0));
        assert!(at(json!("1599360473"), 3600) && at(json!("1599360473"), -3600));
        assert!(!at(json!("1599360473"), 3601) && !at(json!("1599360473"), -3601));
        assert!(!at(json!("1599360474"), 0) && !at(json!(true), 0));
        assert!(!is_signed(&json!({"timestamp": "1599360473"}), "demo", 1_599_360_473_000));
        assert!(!is_signed(&json!({}), "demo", 0));
        let signed = json!({"timestamp": "1599360473", "sign": signature("1599360473", "demo")});
        assert!(!is_signed(&signed, "other", 1_599_360_473_000));
    }

    #[test]
    fn networks() {
        let inside = |entry: &str, address: &str| {
            let address = address.parse().expect("an address");
            Network::parse(entry).expect(entry).contains(address)
        };
        assert!(inside("123.12.1.7", "123.12.1.7") && !inside("123.12.1.7", "123.12.1.8"));
        assert!(inside("123.12.1.*", "123.12.1.200") && !inside("123.12.1.*", "123.12.2.1"));
        assert!(inside("123.1.1.1/24", "123.1.1.254") && !inside("123.1.1.1/24", "123.1.2.1"));
        assert!(inside("0.0.0.0/0", "9.9.9.9") && inside("*.*.*.*", "9.9.9.9"));
        assert!(inside("1.2.3.4/32", "1.2.3.4") && !inside("1.2.3.4/32", "1.2.3.5"));
        assert!(!inside("0.0.0.0/0", "::1"));
        for wrong in
            ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/+1", "1.2.3.1*", "::1", "a.b.c.d", "1.2.3.256"]
        {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
        let list = ["10.0.0.1".to_owned(), "10.1.*.*".to_owned()];
        assert!(admits(&[], None) && !admits(&list, None));
        assert!(admits(&list, "10.1.2.3".parse().ok()) && !admits(&list, "10.2.2.3".parse().ok()));
    }

    #[test]
    fn keywords_are_in_texts_and_titles() {
        let words = ["alarm".to_owned(), "告警".to_owned()];
        let has = |kind: MsgType, part: Value| {
            has_keyword(&content::webhook(kind, &part).expect("content of a custom bot"), &words)
        };
        let text = |text: &str, more: &str| {
            has(MsgType::Text, json!({"text": text, "title": more, "card": {"title": more}}))
        };
        assert!(has_keyword(&content::webhook(MsgType::Text, &json!({"text": "x"})).expect("a text"), &[]));
        assert!(text("an alarm!", "") && !text("an Alarm!", ""), "case-sensitive");
        assert!(!text("spam", "alarm"), "a member that is not sent");
        let post = |title: &str, node: Value| {
            has(MsgType::Post, json!({"post": {"zh_cn": {"title": title, "content": [[node]]}}}))
        };
        assert!(post("the alarm", json!({"tag": "text", "text": ""})));
        assert!(post("告警", json!({"tag": "text", "text": "x"})));
        assert!(post("", json!({"tag": "a", "text": "alarm", "href": "https://a.example"})));
        assert!(!post("", json!({"tag": "a", "text": "x", "href": "https://alarm.example"})));
        let one = |text: &str| json!({"content": [[{"tag": "text", "text": text}]]});
        assert!(
            !has(MsgType::Post, json!({"post": {"zh_cn": one("x"), "en_us": one("alarm")}})),
            "not stored"
        );
        assert!(!has(MsgType::Image, json!({"image_key": "img_alarm"})));
        let card = json!({"header": {"title": {"tag": "plain_text", "content": "x"}},
            "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "**alarm**"}}]});
        let shows = |card: Value| has(MsgType::Interactive, card);
        assert!(shows(json!(card.to_string())) && shows(card));
        assert!(!shows(json!({"elements": [{"tag": "img", "img_key": "alarm"}]})));
        let template = |value: &str| {
            let data = json!({"template_id": "alarm", "template_variable": {"name": value}});
            json!({"type": "template", "data": data})
        };
        assert!(shows(template("alarm")) && !shows(template("x")));
    }
}
