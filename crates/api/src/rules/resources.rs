//! The images and files that a message carries.

use larkspur_contract::model::MsgType;
use serde_json::Value;

/// What kind of resource is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An image, also one in rich text, or the cover of a video.
    Image,
    /// A file, voice message or video.
    File,
}

/// Whether stored content of this type carries the resource with this key. Cards and stickers carry none that can be
/// downloaded.
pub fn carries(msg_type: MsgType, content: &str, kind: Kind, key: &str) -> bool {
    let typed =
        matches!(msg_type, MsgType::Image | MsgType::File | MsgType::Audio | MsgType::Media | MsgType::Post);
    // Other content may be long, and is not read.
    if !typed {
        return false;
    }
    let Ok(content) = serde_json::from_str::<Value>(content) else { return false };
    match msg_type {
        MsgType::Image | MsgType::File | MsgType::Audio | MsgType::Media => names(&content, kind, key),
        MsgType::Post => {
            let lines = content.get("content").and_then(Value::as_array).into_iter().flatten();
            let mut nodes = lines.filter_map(Value::as_array).flatten();
            nodes.any(|node| {
                let tag = node.get("tag").and_then(Value::as_str);
                matches!(tag, Some("img" | "media")) && names(node, kind, key)
            })
        }
        _ => false,
    }
}

fn names(object: &Value, kind: Kind, key: &str) -> bool {
    let member = match kind {
        Kind::Image => "image_key",
        Kind::File => "file_key",
    };
    object.get(member).and_then(Value::as_str) == Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_by_type() {
        let has = |msg_type, content: &str, kind, key: &str| carries(msg_type, content, kind, key);
        assert!(has(MsgType::Image, r#"{"image_key":"i"}"#, Kind::Image, "i"));
        assert!(!has(MsgType::Image, r#"{"image_key":"i"}"#, Kind::File, "i"));
        let media = r#"{"file_key":"f","image_key":"i","file_name":"x"}"#;
        assert!(has(MsgType::Media, media, Kind::File, "f") && has(MsgType::Media, media, Kind::Image, "i"));
        assert!(
            !has(MsgType::Media, media, Kind::Image, "f") && !has(MsgType::Media, media, Kind::File, "x")
        );
        let post = r#"{"title":"i","content":[[{"tag":"text","text":"i"}],[{"tag":"img","image_key":"i"}],[{"tag":"media","file_key":"f"}]]}"#;
        assert!(has(MsgType::Post, post, Kind::Image, "i") && has(MsgType::Post, post, Kind::File, "f"));
        assert!(!has(MsgType::Post, post, Kind::Image, "f"));
        assert!(!has(MsgType::Sticker, r#"{"file_key":"f"}"#, Kind::File, "f"));
        assert!(!has(MsgType::Text, "not JSON", Kind::File, "f"));
    }
}
