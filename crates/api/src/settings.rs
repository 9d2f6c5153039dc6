//! The switches: behaviors that the documents leave open and that an operator can change.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The answer for a tag name that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateName {
    /// Code 0 with a fail reason, as on the pages.
    #[default]
    Success,
    /// Code 402, as seen in live answers.
    #[serde(rename = "402")]
    Code402,
}

/// Who may use a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagOwner {
    /// Every app of the tenant.
    #[default]
    Tenant,
    /// Only the app that created it; other apps do not see it.
    App,
}

/// Whether the authorize page lets any visitor pick the user who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "AskedPicker")]
pub enum UserPicker {
    /// In test mode only.
    #[default]
    Auto,
    /// In both modes.
    On,
    /// Never.
    Off,
}

/// A three-way switch as written in the configuration: a boolean stands for two of the values.
#[derive(Deserialize)]
#[serde(untagged, expecting = "neither auto, on nor off")]
enum AskedPicker {
    Flag(bool),
    Named(NamedPicker),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum NamedPicker {
    Auto,
    #[serde(alias = "true")]
    On,
    #[serde(alias = "false")]
    Off,
}

impl From<AskedPicker> for UserPicker {
    fn from(asked: AskedPicker) -> Self {
        match asked {
            AskedPicker::Named(NamedPicker::Auto) => UserPicker::Auto,
            AskedPicker::Flag(true) | AskedPicker::Named(NamedPicker::On) => UserPicker::On,
            AskedPicker::Flag(false) | AskedPicker::Named(NamedPicker::Off) => UserPicker::Off,
        }
    }
}

/// Names as written in the configuration: a list, or one text with commas.
#[derive(Deserialize)]
#[serde(untagged, expecting = "neither names with commas in between nor a list of names")]
enum AskedNames {
    Text(String),
    List(Vec<String>),
}

fn emoji_names<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let names = match AskedNames::deserialize(input)? {
        AskedNames::Text(text) if text.trim().is_empty() => Vec::new(),
        AskedNames::Text(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        AskedNames::List(names) => names,
    };
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(wrong) => Err(D::Error::custom(format!(
            "{wrong:?} is not the name of an emoji: use 1 to 64 letters, digits or underscores"
        ))),
        None => Ok(names),
    }
}

/// The switches, with their documented defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Creating or renaming a tag to a name that is in use.
    pub duplicate_name: DuplicateName,
    /// Whether an unknown tag id in a bind refuses the call (230001) instead of being skipped.
    pub strict_tag_ids: bool,
    /// Who may use a tag.
    pub tag_owner: TagOwner,
    /// The most tags that one chat may have; 0 means no limit.
    pub tags_per_chat: u32,
    /// Whether a request that does not match the schema is always 99992402 instead of the page's own code, also in body
    /// and path. In the query it always is.
    pub generic_field_validation: bool,
    /// Whether the text of a refusal includes its cause, if known: `…, ext=invalid page_token`.
    pub error_causes: bool,
    /// Whether `a,b` in an array parameter of a query means two values.
    pub comma_lists: bool,
    /// Whether `chat_mode` topic at creation makes an ordinary group, as seen in April 2026, instead of a topic group.
    pub topic_as_group: bool,
    /// Whether a chat takes at most five messages per second from apps (230020).
    pub chat_limit: bool,
    /// Names of emoji that reactions may have beside the documented ones.
    #[serde(deserialize_with = "emoji_names")]
    pub extra_emoji: Vec<String>,
    /// Whether the authorize page lets any visitor pick the user who signs in.
    pub user_picker: UserPicker,
    /// The IP addresses that events come from, as reported to apps. Not a switch: a fact about the machine,
    /// from the operator.
    #[serde(skip)]
    pub outbound_ips: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            duplicate_name: DuplicateName::default(),
            strict_tag_ids: false,
            tag_owner: TagOwner::default(),
            tags_per_chat: 0,
            generic_field_validation: false,
            error_causes: true,
            comma_lists: true,
            topic_as_group: false,
            chat_limit: true,
            extra_emoji: Vec::new(),
            user_picker: UserPicker::default(),
            outbound_ips: vec!["127.0.0.1".to_owned()],
        }
    }
}
