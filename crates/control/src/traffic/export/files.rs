//! Files: an HTTP archive, lines of JSON, and a page.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::target;
use crate::traffic::Entry;

pub(super) fn ndjson(calls: &[Entry]) -> String {
    let lines = calls.iter().filter_map(|call| serde_json::to_string(call).ok());
    lines.map(|line| line + "\n").collect()
}

pub(super) fn har(calls: &[Entry], base: &str) -> String {
    let entries: Vec<Value> = calls.iter().map(|call| archived(call, base)).collect();
    let log = json!({
        "version": "1.2",
        "creator": {"name": "larkspur", "version": env!("CARGO_PKG_VERSION")},
        "entries": entries,
    });
    serde_json::to_string_pretty(&json!({ "log": log })).unwrap_or_default()
}

fn archived(call: &Entry, base: &str) -> Value {
    let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
        pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    };
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let ms = f64::from(call.row.us) / 1000.0;
    let mut request = json!({
        "method": call.row.method, "url": format!("{base}{}", target(call)), "httpVersion": "HTTP/1.1", "cookies": [],
        "headers": pairs(&call.request.headers), "queryString": pairs(&call.query()), "headersSize": -1,
        "bodySize": call.request.bytes,
    });
    if !call.request.body.is_null() {
        request["postData"] = json!({"mimeType": call.request.media, "text": text(&call.request.body)});
    }
    json!({
        "startedDateTime": time(call.row.at_ms), "time": ms, "request": request,
        "response": {
            "status": call.row.status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": pairs(&call.answer.headers), "redirectURL": "", "headersSize": -1, "bodySize": call.answer.bytes,
            "content": {"size": call.answer.bytes, "mimeType": call.answer.media, "text": text(&call.answer.body)},
        },
        "cache": {}, "timings": {"send": 0, "wait": ms, "receive": 0},
        "comment": call.row.log_id,
    })
}

/// A time as ISO 8601 in UTC. Source of the calendar: days from civil, by Howard Hinnant.
fn time(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", rest % 1000)
}

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}\
    pre{overflow:auto;padding:.5rem;border:1px solid}summary{cursor:pointer}td{padding:0 .5rem}";

pub(super) fn html(calls: &[Entry]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Recorded calls</title><style>{STYLE}</style></head>\n<body><h1>Recorded calls</h1>\n"
    );
    for call in calls {
        let row = &call.row;
        let code = row.code.map(|code| code.to_string()).unwrap_or_default();
        let title = format!("{} {} {} {code} {}", row.method, row.path, row.status, row.outcome);
        let _ = write!(
            out,
            "<details><summary>{}</summary>\n<p>{} at {}</p>\n",
            text(&title),
            text(&row.log_id),
            time(row.at_ms)
        );
        let parts = [
            ("Why", call.why.as_ref().and_then(|why| serde_json::to_value(why).ok())),
            ("Request", serde_json::to_value(&call.request).ok()),
            ("Answer", serde_json::to_value(&call.answer).ok()),
            ("Steps", serde_json::to_value(&call.steps).ok()),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                let shown = serde_json::to_string_pretty(&value).unwrap_or_default();
                let _ = writeln!(out, "<h2>{name}</h2><pre>{}</pre>", text(&shown));
            }
        }
        out.push_str("</details>\n");
    }
    out.push_str("</body></html>\n");
    out
}

/// A text in HTML.
fn text(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(time(1_795_950_119_612), "2026-11-29T11:01:59.612Z");
    }
}
