//! Content of rich texts: languages, each with a title and paragraphs of nodes. One language is stored.

use std::borrow::Cow;

use larkspur_contract::model::MsgType;
use serde::Serialize;
use serde_json::{Map, Value};

use super::inline::{Ats, is_href};
use super::{Cause, Mentions, NOT_VALID, Object, Resource, ResourceKind, markdown, wrong_form};
use crate::rules::emoji;

/// The languages in order of preference. The first one that is present is stored, otherwise the first one sent. Source:
/// observed of clients.
const PREFERRED: [&str; 3] = ["zh_cn", "en_us", "ja_jp"];

/// Where a rich text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The operations on messages.
    Message,
    /// A custom bot: tags text, a, at and img, no styles. Source: the guide to custom bots.
    Hook,
    /// A batch message: styles have no effect. Source: the page on content.
    Batch,
}

/// A rich text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    title: String,
    rows: Vec<Vec<Node>>,
    sent: Vec<Paragraph>,
}

/// A paragraph as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Paragraph {
    /// The row with this index.
    Row(usize),
    /// Markdown, which became any number of rows.
    Markdown(String),
}

/// One node of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text { text: String, style: Vec<Style> },
    Link { href: String, text: String, style: Vec<Style> },
    At { id: String, name: String, style: Vec<Style>, from: Origin },
    Image { key: String },
    Media { file_key: String, image_key: Option<String> },
    Emotion { name: String },
    Code { language: Option<String>, text: String },
    Rule,
}

/// How a mention was written. This decides how an unknown ID is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A node: it stays, with the name that was given.
    Node,
    /// A tag in Markdown, as written: an `ou_…` is refused, others stay literal.
    Markdown(String),
}

/// A style of text. Others are ignored. Source: the page on content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Style {
    #[serde(rename = "bold")]
    Bold,
    #[serde(rename = "underline")]
    Underline,
    #[serde(rename = "lineThrough")]
    LineThrough,
    #[serde(rename = "italic")]
    Italic,
}

#[derive(Serialize)]
struct Stored<'a> {
    title: &'a str,
    content: Vec<Vec<StoredNode<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_v2: Option<Vec<Vec<StoredNode<'a>>>>,
}

/// A node as it is read back, with its fields in the platform's order.
#[derive(Serialize)]
#[serde(tag = "tag", rename_all = "snake_case")]
enum StoredNode<'a> {
    Text {
        text: &'a str,
        style: &'a [Style],
    },
    A {
        href: &'a str,
        text: &'a str,
        style: &'a [Style],
    },
    At {
        user_id: Cow<'a, str>,
        user_name: &'a str,
        style: &'a [Style],
    },
    Img {
        image_key: &'a str,
    },
    Media {
        file_key: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        image_key: Option<&'a str>,
    },
    Emotion {
        emoji_type: &'a str,
    },
    CodeBlock {
        #[serde(skip_serializing_if = "Option::is_none")]
        language: Option<&'a str>,
        text: &'a str,
    },
    Hr {},
    Md {
        text: String,
    },
}

impl Post {
    /// Reads a rich text: languages, or a title and paragraphs alone. All languages must be valid.
    pub(super) fn parse(object: &Object, form: Form) -> Result<Post, Cause> {
        if matches!(object.get("content"), Some(Value::Array(_))) {
            return Post::of(object.get("title"), object.get("content"), form);
        }
        let mut posts = Vec::new();
        for (language, value) in object.0.iter().filter(|(name, _)| is_language(name)) {
            let Value::Object(body) = value else { return Err(wrong_form(MsgType::Post)) };
            posts.push((language.as_str(), Post::of(body.get("title"), body.get("content"), form)?));
        }
        let place = |language: &str| PREFERRED.iter().position(|preferred| *preferred == language);
        let first = posts.into_iter().min_by_key(|(language, _)| place(language).unwrap_or(PREFERRED.len()));
        first.map(|(_, post)| post).ok_or_else(|| wrong_form(MsgType::Post))
    }

    fn of(title: Option<&Value>, content: Option<&Value>, form: Form) -> Result<Post, Cause> {
        let title = match title {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(title)) => title.clone(),
            Some(_) => return Err(wrong_form(MsgType::Post)),
        };
        let Some(Value::Array(paragraphs)) = content else { return Err(wrong_form(MsgType::Post)) };
        let mut rows = Vec::with_capacity(paragraphs.len());
        let mut sent = Vec::with_capacity(paragraphs.len());
        for paragraph in paragraphs {
            let Value::Array(nodes) = paragraph else { return Err(wrong_form(MsgType::Post)) };
            sent.push(read_paragraph(nodes, form, &mut rows)?);
        }
        if title.is_empty() && rows.iter().all(Vec::is_empty) {
            return Err(NOT_VALID.into());
        }
        Ok(Post { title, rows, sent })
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.rows.iter().flatten()
    }

    /// The IDs in mentions, `all` included.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.nodes().filter_map(|node| match node {
            Node::At { id, .. } => Some(id.as_str()),
            _ => None,
        })
    }

    pub(super) fn resources(&self) -> Vec<Resource> {
        let mut resources = Vec::new();
        let mut add = |key: &String, kind| resources.push(Resource { key: key.clone(), kind });
        for node in self.nodes() {
            match node {
                Node::Image { key } => add(key, ResourceKind::Image),
                Node::Media { file_key, image_key } => {
                    add(file_key, ResourceKind::Mp4);
                    image_key.iter().for_each(|key| add(key, ResourceKind::Image));
                }
                _ => {}
            }
        }
        resources
    }

    /// The stored form; `markdown` keeps Markdown beside the rows that it became.
    pub(super) fn stored(&self, mentions: &mut Mentions<'_>, markdown: bool) -> Result<String, Cause> {
        let mut content = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            content.push(stored_row(row, mentions)?);
        }
        let has_markdown = self.sent.iter().any(|paragraph| matches!(paragraph, Paragraph::Markdown(_)));
        let content_v2 = match markdown && has_markdown {
            true => Some(self.as_sent(mentions)?),
            false => None,
        };
        Ok(super::written(&Stored { title: &self.title, content, content_v2 }))
    }

    /// The paragraphs with Markdown as it was sent, and placeholders for those whom it mentions.
    fn as_sent(&self, mentions: &mut Mentions<'_>) -> Result<Vec<Vec<StoredNode<'_>>>, Cause> {
        let mut paragraphs = Vec::with_capacity(self.sent.len());
        for paragraph in &self.sent {
            paragraphs.push(match paragraph {
                Paragraph::Row(index) => {
                    stored_row(self.rows.get(*index).map(Vec::as_slice).unwrap_or_default(), mentions)?
                }
                Paragraph::Markdown(text) => vec![StoredNode::Md { text: placed(text, mentions) }],
            });
        }
        Ok(paragraphs)
    }
}

fn stored_row<'a>(row: &'a [Node], mentions: &mut Mentions<'_>) -> Result<Vec<StoredNode<'a>>, Cause> {
    row.iter().map(|node| node.stored(mentions)).collect()
}

/// Markdown with placeholders in place of its mentions; those of unknown IDs stay.
fn placed(text: &str, mentions: &mut Mentions<'_>) -> String {
    let (mut ats, mut out, mut done) = (Ats::new(text), String::with_capacity(text.len()), 0);
    for (start, _) in text.match_indices("<at") {
        let Some(at) = ats.at(start) else { continue };
        if let Some(key) = mentions.key(&text[at.id]) {
            out.push_str(&text[done..start]);
            out.push_str(&key);
            done = at.raw.end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Whether a name is that of a language: `zh_cn`. Other members are ignored. A rich text in the wrapper `post` of custom
/// bots therefore has no language, and is refused. Source: the page on content.
fn is_language(name: &str) -> bool {
    matches!(name.as_bytes(), [a, b, b'_', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_lowercase()))
}

/// Reads a paragraph. Markdown becomes several.
fn read_paragraph(nodes: &[Value], form: Form, rows: &mut Vec<Vec<Node>>) -> Result<Paragraph, Cause> {
    let mut row = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Value::Object(node) = node else { return Err(wrong_form(MsgType::Post)) };
        let tag = node.get("tag").and_then(Value::as_str).unwrap_or_default();
        // Images, videos and Markdown are alone in a paragraph. Source: the page; the code is assumed.
        let alone = tag == "md" || (form == Form::Message && matches!(tag, "img" | "media"));
        if alone && nodes.len() > 1 {
            return Err(NOT_VALID.into());
        }
        match (tag, form) {
            ("md", Form::Message | Form::Batch) => {
                let text = needed(node, "md", "text", true)?;
                markdown::read(text, rows);
                return Ok(Paragraph::Markdown(text.to_owned()));
            }
            _ => row.push(read_node(tag, node, form)?),
        }
    }
    rows.push(row);
    Ok(Paragraph::Row(rows.len() - 1))
}

fn read_node(tag: &str, node: &Map<String, Value>, form: Form) -> Result<Node, Cause> {
    if form == Form::Hook && (!matches!(tag, "text" | "a" | "at" | "img") || node.contains_key("style")) {
        return Err(NOT_VALID.into());
    }
    let styles = |node| if form == Form::Message { styles(node) } else { Vec::new() };
    Ok(match tag {
        "text" => {
            let text = needed(node, tag, "text", true)?;
            let escaped = node.get("un_escape").and_then(Value::as_bool) == Some(true);
            Node::Text { text: if escaped { unescaped(text) } else { text.to_owned() }, style: styles(node) }
        }
        "a" => {
            let href = needed(node, tag, "href", false)?;
            let text = needed(node, tag, "text", true)?.to_owned();
            if !is_href(href) {
                return Err("invalid href".into());
            }
            Node::Link { href: href.to_owned(), text, style: styles(node) }
        }
        "at" => Node::At {
            id: needed(node, tag, "user_id", false)?.to_owned(),
            name: optional(node, "user_name").unwrap_or_default(),
            style: styles(node),
            from: Origin::Node,
        },
        "img" => Node::Image { key: needed(node, tag, "image_key", false)?.to_owned() },
        "media" => Node::Media {
            file_key: needed(node, tag, "file_key", false)?.to_owned(),
            image_key: optional(node, "image_key").filter(|key| !key.is_empty()),
        },
        "emotion" => {
            let name = needed(node, tag, "emoji_type", false)?;
            if !emoji::is_known(name) {
                return Err("emotion emoji_type is invalid".into());
            }
            Node::Emotion { name: name.to_owned() }
        }
        "code_block" => {
            let text = needed(node, tag, "text", true)?.to_owned();
            Node::Code { language: optional(node, "language").filter(|name| !name.is_empty()), text }
        }
        "hr" => Node::Rule,
        _ => return Err("message_content has wrong tag".into()),
    })
}

/// A member that a node must have.
fn needed<'a>(
    node: &'a Map<String, Value>,
    tag: &str,
    field: &str,
    may_be_empty: bool,
) -> Result<&'a str, Cause> {
    match node.get(field) {
        Some(Value::String(value)) if may_be_empty || !value.is_empty() => Ok(value),
        None | Some(Value::Null | Value::String(_)) => {
            Err(format!("message_content_{tag}_tag's {field} field can't be nil").into())
        }
        Some(_) => Err(wrong_form(MsgType::Post)),
    }
}

fn optional(node: &Map<String, Value>, field: &str) -> Option<String> {
    node.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// The known styles of a node, each once.
fn styles(node: &Map<String, Value>) -> Vec<Style> {
    let mut styles = Vec::new();
    for name in node.get("style").and_then(Value::as_array).into_iter().flatten() {
        let style = match name.as_str() {
            Some("bold") => Style::Bold,
            Some("underline") => Style::Underline,
            Some("lineThrough") => Style::LineThrough,
            Some("italic") => Style::Italic,
            _ => continue,
        };
        if !styles.contains(&style) {
            styles.push(style);
        }
    }
    styles
}

/// A text with HTML entities decoded; unknown ones stay. Source: the field `un_escape`; the set is assumed.
fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 7] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ];
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (entity, decoded) = found.copied().unwrap_or(("&", "&"));
        out.push_str(decoded);
        rest = &rest[entity.len()..];
    }
    out.push_str(rest);
    out
}

impl Node {
    /// A text without style.
    pub(super) fn plain(text: impl Into<String>) -> Node {
        Node::Text { text: text.into(), style: Vec::new() }
    }

    fn stored<'a>(&'a self, mentions: &mut Mentions<'_>) -> Result<StoredNode<'a>, Cause> {
        Ok(match self {
            Node::Text { text, style } => StoredNode::Text { text, style },
            Node::Link { href, text, style } => StoredNode::A { href, text, style },
            Node::At { id, name, style, from } => match (mentions.key(id), from) {
                (Some(key), _) => StoredNode::At { user_id: key.into(), user_name: "", style },
                (None, Origin::Node) => StoredNode::At { user_id: id.into(), user_name: name, style },
                (None, Origin::Markdown(_)) if id.starts_with("ou_") => {
                    return Err("md text field contains invalid user id".into());
                }
                (None, Origin::Markdown(raw)) => StoredNode::Text { text: raw, style },
            },
            Node::Image { key } => StoredNode::Img { image_key: key },
            Node::Media { file_key, image_key } => {
                StoredNode::Media { file_key, image_key: image_key.as_deref() }
            }
            Node::Emotion { name } => StoredNode::Emotion { emoji_type: name },
            Node::Code { language, text } => StoredNode::CodeBlock { language: language.as_deref(), text },
            Node::Rule => StoredNode::Hr {},
        })
    }
}
