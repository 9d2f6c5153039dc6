//! Content of messages that are an upload: images, files, voice messages, videos, stickers.

use larkspur_contract::model::MsgType;
use serde::Serialize;
use serde_json::Value;

use super::{Cause, Object, Resource, ResourceKind, wrong_form};

/// What an upload is sent with, in the order in which it is read back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Files {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<i64>,
}

impl Files {
    pub(super) fn parse(kind: MsgType, object: &Object) -> Result<Files, Cause> {
        let mut files = Files::default();
        if kind == MsgType::Image {
            files.image_key = Some(key(kind, object, "image_key")?);
            return Ok(files);
        }
        files.file_key = Some(key(kind, object, "file_key")?);
        // An empty cover is no cover.
        if kind == MsgType::Media && object.get("image_key").is_some_and(|cover| cover != "") {
            files.image_key = Some(key(kind, object, "image_key")?);
        }
        Ok(files)
    }

    pub(super) fn resources(&self, kind: MsgType) -> Vec<Resource> {
        let file = match kind {
            MsgType::Audio => ResourceKind::Opus,
            MsgType::Media => ResourceKind::Mp4,
            MsgType::Sticker => ResourceKind::Sticker,
            _ => ResourceKind::File,
        };
        let keys = [(&self.file_key, file), (&self.image_key, ResourceKind::Image)];
        keys.into_iter().filter_map(|(key, kind)| Some(Resource { key: key.clone()?, kind })).collect()
    }

    /// Adds the name and the duration, where messages of this type have them.
    pub(super) fn describe(&mut self, kind: MsgType, name: &str, duration_ms: Option<i64>) {
        self.file_name = matches!(kind, MsgType::File | MsgType::Media).then(|| name.to_owned());
        self.duration = duration_ms.filter(|_| matches!(kind, MsgType::Audio | MsgType::Media));
    }
}

/// A key or an ID that content must have.
pub(super) fn key(kind: MsgType, object: &Object, name: &'static str) -> Result<String, Cause> {
    match object.get(name) {
        Some(Value::String(key)) if key.is_empty() => Err(format!("invalid {name}").into()),
        Some(Value::String(key)) => Ok(key.clone()),
        _ => Err(wrong_form(kind)),
    }
}
