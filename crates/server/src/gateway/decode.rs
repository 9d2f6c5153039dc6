//! Step 5: decodes a request into values of the operation's shapes. Pure: no bytes may make it panic.

mod multipart;

use std::borrow::Cow;

use bytes::Bytes;
use larkspur_api::{Received, Settings, Shapes};
use larkspur_contract::fields::{Origin, Shape};
use larkspur_contract::{Access, Code, Consumes, Fault, Spec, codes};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The parts of a request, as received.
#[derive(Debug)]
pub struct Raw<'a> {
    /// Path parameters, still percent-encoded.
    pub params: &'a [(&'static str, &'a str)],
    /// The query, without the question mark.
    pub query: &'a str,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: Bytes,
}

/// Decodes a request and checks it against the shapes. A body that the operation does not take is ignored.
///
/// # Errors
/// 9499 for input that cannot be read or has the wrong JSON type; 99992402 for an invalid query; else the spec's own
/// code for invalid parameters. Each lists all invalid fields.
pub fn decode(spec: &Spec, shapes: &Shapes, settings: &Settings, raw: Raw<'_>) -> Result<Received, Fault> {
    let mut path = Value::Object(Map::new());
    if !raw.params.is_empty() {
        let pairs = raw.params.iter().map(|(name, value)| Ok((*name, percent_decoded(value)?)));
        path = shapes.path.from_pairs(pairs.collect::<Result<Vec<_>, Fault>>()?, false);
    }
    let mut query = Value::Object(Map::new());
    if !raw.query.is_empty() {
        query = shapes.query.from_pairs(query_pairs(raw.query)?, settings.comma_lists);
    }
    let generic = |code| if settings.generic_field_validation { codes::FIELD_VALIDATION } else { code };
    let invalid = generic(spec.invalid);
    let (mut body, file, written) = match spec.consumes {
        Consumes::Multipart { file, .. } => {
            let form = multipart::read(raw.content_type, raw.body, file)
                .map_err(|why| Fault::new(invalid, format!("the multipart body: {why}")))?;
            (shapes.body.from_pairs(form.fields, false), form.file, Origin::Text)
        }
        Consumes::Raw => (Value::Object(Map::new()), Some(raw.body), Origin::Json),
        Consumes::Nothing => (Value::Object(Map::new()), None, Origin::Json),
        // Some clients send JSON with a form's media type: curl does by default.
        Consumes::Form if is_form(raw.content_type) && !begins_as_object(&raw.body) => {
            let text = str::from_utf8(&raw.body)
                .map_err(|_| Fault::new(codes::BAD_REQUEST, "the body is a form and not UTF-8"))?;
            (shapes.body.from_pairs(query_pairs(text)?, false), None, Origin::Text)
        }
        Consumes::Json | Consumes::Form => (json(&raw.body)?, None, Origin::Json),
    };
    // The control API reports all errors at once, including wrong types.
    let written = match (spec.access, written) {
        (Access::Control, Origin::Json) => Origin::Control,
        (_, written) => written,
    };
    let parts = [
        (&shapes.path, &mut path, Origin::Text, invalid),
        (&shapes.query, &mut query, Origin::Text, generic(spec.invalid_query())),
        (&shapes.body, &mut body, written, invalid),
    ];
    check(parts)?;
    Ok(Received { path, query, body, file })
}

/// Checks the three parts and reports all errors together, under the gateway's code if the gateway refuses one of the
/// parts.
fn check(parts: [(&Shape, &mut Value, Origin, Code); 3]) -> Result<(), Fault> {
    let mut first: Option<Fault> = None;
    for (shape, value, origin, invalid) in parts {
        let Err(fault) = shape.check(value, origin, invalid) else { continue };
        // A wrong JSON type is reported first, and alone.
        if fault.code() == codes::BAD_REQUEST {
            return Err(fault);
        }
        first = Some(match first {
            None => fault,
            Some(earlier) => {
                let violations = [earlier.violations(), fault.violations()].concat();
                let gateway = [&earlier, &fault].iter().any(|one| one.code() == codes::FIELD_VALIDATION);
                let code = if gateway { codes::FIELD_VALIDATION } else { earlier.code() };
                Fault::new(code, format!("{}; {}", earlier.note(), fault.note())).with_violations(violations)
            }
        });
    }
    first.map_or(Ok(()), Err)
}

/// A body as an object, whatever its `Content-Type`; an empty body is an empty object, and so is `null`.
fn json(body: &[u8]) -> Result<Value, Fault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        // Source: observed; client libraries send it with every call without a body.
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(_) => Err(Fault::new(codes::BAD_REQUEST, "the body is JSON but not an object")),
        Err(error) => Err(Fault::new(codes::BAD_REQUEST, format!("the body is not JSON: {error}"))),
    }
}

/// Whether a body can only be a JSON object.
fn begins_as_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

/// Whether a `Content-Type` is an HTML form's.
fn is_form(content_type: Option<&str>) -> bool {
    let media = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs of a query: `+` and `%20` are blanks.
fn query_pairs(query: &str) -> Result<Vec<Pair<'_>>, Fault> {
    // Most queries contain nothing to decode, and one pass shows it.
    let plain = !query.bytes().any(|byte| matches!(byte, b'%' | b'+'));
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    if plain {
        return Ok(pairs.map(|(key, value)| (Cow::Borrowed(key), Cow::Borrowed(value))).collect());
    }
    pairs.map(|(key, value)| Ok((form_text(key)?, form_text(value)?))).collect()
}

/// A name or value of a form: percent-encoded, `+` for a blank.
pub(super) fn form_text(encoded: &str) -> Result<Cow<'_, str>, Fault> {
    if encoded.contains('+') {
        return percent_decoded(&encoded.replace('+', " ")).map(|decoded| Cow::Owned(decoded.into_owned()));
    }
    percent_decoded(encoded)
}

fn percent_decoded(encoded: &str) -> Result<Cow<'_, str>, Fault> {
    if !encoded.contains('%') {
        return Ok(Cow::Borrowed(encoded));
    }
    percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| Fault::new(codes::BAD_REQUEST, "percent-encoded text that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        let pairs = query_pairs(query).expect("UTF-8");
        pairs.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
    }

    #[test]
    fn queries() {
        let own = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(pairs("a=b+c&d=e%20f"), own(&[("a", "b c"), ("d", "e f")]));
        assert_eq!(pairs("ids%5B%5D=1&&x"), own(&[("ids[]", "1"), ("x", "")]));
        assert_eq!(pairs("q=%E7%BE%A4&r=a=b"), own(&[("q", "群"), ("r", "a=b")]));
        assert_eq!(pairs("p=%2B%"), own(&[("p", "+%")]));
        assert_eq!(query_pairs("a=%ff").expect_err("not UTF-8").code(), codes::BAD_REQUEST);
    }

    #[test]
    fn bodies() {
        let empty = Value::Object(Map::new());
        assert_eq!(json(b"").expect("empty"), empty);
        assert_eq!(json(b" \r\n").expect("blank"), empty);
        assert_eq!(json(b"{}").expect("object"), empty);
        assert_eq!(json(b" null\n").expect("null"), empty);
        for wrong in [&b"[]"[..], b"nul", b"1", b"{", b"{}x", b"\xff", b"\xef\xbb\xbf{}"] {
            assert_eq!(json(wrong).expect_err("refused").code(), codes::BAD_REQUEST, "{wrong:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(json(deep.as_bytes()).expect_err("too deep").code(), codes::BAD_REQUEST);
    }
}
