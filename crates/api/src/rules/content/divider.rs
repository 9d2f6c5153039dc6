//! Content of system messages that a bot may send: the divider between two topics of a p2p chat.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Cause, Object};

/// The most characters of a divider's text; a character of Chinese, Japanese or Korean counts twice.
const MAX: usize = 20;

/// Languages that a divider may have texts for, as they are read back; they are sent as `zh_CN`.
const LANGUAGES: [&str; 16] = [
    "zh_cn", "zh_hk", "zh_tw", "en_us", "ja_jp", "id_id", "vi_vn", "th_th", "pt_br", "es_es", "ko_kr",
    "de_de", "fr_fr", "it_it", "ru_ru", "ms_my",
];

/// A divider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Divider(Words);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Words {
    text: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    i18n_text: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Stored<'a> {
    template: &'static str,
    from_user: [&'static str; 0],
    to_chatters: [&'static str; 0],
    divider_text: &'a Words,
}

impl Divider {
    pub(super) fn parse(object: &Object) -> Result<Divider, Cause> {
        if object.get("type").and_then(Value::as_str) != Some("divider") {
            return Err("invalid system message type".into());
        }
        let words = object.get("params").and_then(|params| params.get("divider_text"));
        let Some(words) = words.and_then(Value::as_object) else {
            return Err("divider_text must be set".into());
        };
        let text = checked(words.get("text"), "text")?;
        let i18n_text = match words.get("i18n_text") {
            Some(Value::Object(texts)) => translations(texts)?,
            _ => BTreeMap::new(),
        };
        Ok(Divider(Words { text, i18n_text }))
    }

    pub(super) fn stored(&self) -> String {
        let template = "{divider_text}";
        super::written(&Stored { template, from_user: [], to_chatters: [], divider_text: &self.0 })
    }
}

fn translations(texts: &Map<String, Value>) -> Result<BTreeMap<String, String>, Cause> {
    let mut translated = BTreeMap::new();
    for (language, text) in texts {
        let language = language.to_ascii_lowercase();
        if !LANGUAGES.contains(&language.as_str()) {
            return Err("divider message i18n_text contains illegal language types".into());
        }
        translated.insert(language, checked(Some(text), "i18n_text")?);
    }
    Ok(translated)
}

/// A text that is not empty and short enough.
fn checked(text: Option<&Value>, field: &str) -> Result<String, Cause> {
    let text = text.and_then(Value::as_str).unwrap_or_default();
    let width: usize = text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum();
    match width {
        0 => Err(format!("divider message {field} cannot be empty").into()),
        1..=MAX => Ok(text.to_owned()),
        _ => Err(format!("divider message {field} exceeds the specified length ({MAX})").into()),
    }
}

/// Whether a character is of Chinese, Japanese or Korean, or of full width.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}')
}
