//! The switches: behaviours that the documents leave open and an operator may change.

use serde::{Deserialize, Serialize};

/// How a tag name that is taken is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateName {
    /// Code 0 with a fail reason, as the pages print it.
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
    /// The app that made it; to the others it is unknown.
    App,
}

/// Whether the authorize page lets anybody pick the user who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "AskedPicker")]
pub enum UserPicker {
    /// In test mode, and not in production mode.
    #[default]
    Auto,
    /// In either mode.
    On,
    /// Never.
    Off,
}

/// A switch of three as it is written: a truth value does for two of them.
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

/// The switches, at their documented defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Creating or renaming a tag to a name that is taken.
    pub duplicate_name: DuplicateName,
    /// Whether an unknown tag id in a bind refuses the call (230001) instead of being passed over.
    pub strict_tag_ids: bool,
    /// Who may use a tag.
    pub tag_owner: TagOwner,
    /// The most tags that one chat may have; 0 means no limit.
    pub tags_per_chat: u32,
    /// Whether a request that does not fit the schema is always 99992402 instead of the page's own code, in its body and
    /// path, too: in the query it is so anyway.
    pub generic_field_validation: bool,
    /// Whether a refusal whose cause is known says it in its text: `…, ext=invalid page_token`.
    pub error_causes: bool,
    /// Whether `a,b` in an array parameter of a query means two values.
    pub comma_lists: bool,
    /// Whether `chat_mode` topic at creation makes a plain group, as seen in April 2026, instead of a topic group.
    pub topic_as_group: bool,
    /// Whether the authorize page lets anybody pick the user who signs in.
    pub user_picker: UserPicker,
    /// The addresses from which events are posted, as apps are told: not a switch, but what the operator says of the
    /// machine.
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
            user_picker: UserPicker::default(),
            outbound_ips: vec!["127.0.0.1".to_owned()],
        }
    }
}
