//! One line of plain text for stored content, for logs and the command line.

use serde_json::Value;

/// The most characters of a preview.
const MAX: usize = 200;

/// Stored content of a message as one line of plain text, of at most 200 characters. Any type and any content is
/// accepted. What is not text is shown as its type in brackets.
pub fn preview(kind: &str, content: &str) -> String {
    let value = serde_json::from_str::<Value>(content).unwrap_or_default();
    let member = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let text = match kind {
        "text" | "hongbao" => member("text").to_owned(),
        "post" | "interactive" => match rich(&value) {
            text if text.is_empty() => with(kind, ""),
            text => text,
        },
        "file" | "folder" | "media" => with(kind, member("file_name")),
        "audio" => match value.get("duration").and_then(Value::as_i64) {
            Some(ms) => with(kind, &format!("{ms} ms")),
            None => with(kind, ""),
        },
        "share_chat" => with(kind, member("chat_id")),
        "share_user" => with(kind, member("user_id")),
        "system" => system(&value),
        "vote" | "video_chat" => with(kind, member("topic")),
        "location" => with(kind, member("name")),
        "todo" => with(kind, &value.get("summary").map(rich).unwrap_or_default()),
        "calendar" | "general_calendar" | "share_calendar_event" => with(kind, member("summary")),
        // Bare words, also of a recalled message.
        _ if value.is_null() => content.to_owned(),
        _ => with(kind, ""),
    };
    let text = if text.trim().is_empty() && value.is_null() { content.to_owned() } else { text };
    line(&text)
}

fn with(kind: &str, detail: &str) -> String {
    if detail.is_empty() { format!("[{kind}]") } else { format!("[{kind}] {detail}") }
}

/// The title and the paragraphs of a rich text, or of a card in the form of received messages; the title of other cards.
fn rich(value: &Value) -> String {
    let mut words = Vec::new();
    let title = value.get("title").or_else(|| value.pointer("/header/title/content")).and_then(Value::as_str);
    words.extend(title.map(str::to_owned));
    let paragraphs = value.get("content").or_else(|| value.get("elements")).and_then(Value::as_array);
    for paragraph in paragraphs.into_iter().flatten() {
        let nodes = paragraph.as_array().into_iter().flatten();
        words.push(nodes.map(node).collect::<Vec<_>>().join(""));
    }
    words.retain(|paragraph| !paragraph.is_empty());
    words.join(" ")
}

fn node(node: &Value) -> String {
    let member = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
    match member("tag") {
        "text" | "a" | "md" | "code_block" => member("text").to_owned(),
        "at" => match member("user_name") {
            "" => member("user_id").to_owned(),
            name => format!("@{name}"),
        },
        "emotion" => format!("[{}]", member("emoji_type")),
        "img" => "[image]".to_owned(),
        "hr" => " - ".to_owned(),
        "" => String::new(),
        tag => format!("[{tag}]"),
    }
}

/// The template of a system message with its names.
fn system(value: &Value) -> String {
    let names = |name: &str| {
        let names = value.get(name).and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let divider = value.pointer("/divider_text/text").and_then(Value::as_str).unwrap_or_default();
    let template = value.get("template").and_then(Value::as_str).unwrap_or_default();
    template
        .replace("{from_user}", &names("from_user"))
        .replace("{to_chatters}", &names("to_chatters"))
        .replace("{divider_text}", divider)
}

/// A text without line breaks and control characters, cut with an ellipsis.
fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut out = String::new();
    let mut left = MAX;
    for word in words {
        let space = if out.is_empty() { "" } else { " " };
        for c in space.chars().chain(word.chars()) {
            if left == 0 {
                out.pop();
                out.push('…');
                return out;
            }
            out.push(c);
            left -= 1;
        }
    }
    out
}
