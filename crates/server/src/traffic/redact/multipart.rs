//! What a multipart body consists of: its content is not kept.

/// How much of a multipart body is searched for heads.
const HEADS_MAX: usize = 64 << 10;

/// Writes what a multipart body consists of, as JSON: the head and the size of each part, no content.
pub(in crate::traffic) fn multipart(content_type: &str, body: &[u8], out: &mut Vec<u8>) {
    let parts = boundary(content_type).map(|boundary| parts(&boundary, body)).unwrap_or_default();
    let shown = serde_json::json!({ "parts": parts });
    out.extend_from_slice(shown.to_string().as_bytes());
}

fn boundary(content_type: &str) -> Option<Vec<u8>> {
    let given = content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!given.is_empty()).then(|| format!("--{given}").into_bytes())
}

fn parts(boundary: &[u8], body: &[u8]) -> Vec<serde_json::Value> {
    // Heads come first, and files last: a long file is not searched for its end.
    let text = &body[..body.len().min(HEADS_MAX)];
    let unread = body.len() - text.len();
    let mut shown = Vec::new();
    let mut rest = text;
    while let Some(at) = position(rest, boundary) {
        let Some(part) = rest.get(at + boundary.len()..) else { break };
        let end = position(part, boundary);
        let length = end.unwrap_or(part.len());
        if let Some(blank) = position(&part[..length], b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&part[..blank]);
            // The line break before the next boundary; after the last part also the boundary itself.
            let closing = if end.is_some() { 2 } else { boundary.len() + 6 };
            let most = length + if end.is_some() { 0 } else { unread };
            let size = most.saturating_sub(blank + 4 + closing);
            let lines: Vec<&str> = head.split("\r\n").filter(|line| !line.is_empty()).collect();
            shown.push(serde_json::json!({"head": lines, "bytes": size}));
        }
        if shown.len() == 32 {
            break;
        }
        rest = &rest[at + boundary.len() + length..];
    }
    shown
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
