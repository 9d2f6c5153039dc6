//! The switches: behaviors that the documents leave open and that an operator can change.

use std::collections::BTreeMap;

use larkspur_contract::nearest::did_you_mean;
use larkspur_contract::{Scope, Spec, scopes};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

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

/// What reading a recalled message answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawnGet {
    /// The message, with `deleted` true, as in lists.
    #[default]
    Deleted,
    /// Code 230011, as seen in live answers.
    #[serde(rename = "230011")]
    Code230011,
    /// No items, as seen in live answers.
    Empty,
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
    /// Whether users may create groups, as the vendor's clients do, although the page takes tenant tokens only.
    pub chat_create_by_user: bool,
    /// Whether a chat takes at most five messages per second from apps (230020).
    pub chat_limit: bool,
    /// What reading a recalled message answers.
    pub withdrawn_get: WithdrawnGet,
    /// Whether rich texts that are sent with Markdown keep it in `content_v2`, beside `content`.
    pub content_v2: bool,
    /// Names of emoji that reactions may have beside the documented ones.
    #[serde(deserialize_with = "emoji_names")]
    pub extra_emoji: Vec<String>,
    /// Whether the authorize page lets any visitor pick the user who signs in.
    pub user_picker: UserPicker,
    /// The IP addresses that events come from, as reported to apps. Not a switch: a fact about the machine,
    /// from the operator.
    #[serde(skip)]
    pub outbound_ips: Vec<String>,
    /// Whether an announcement takes three edits a second only. Not a switch: it is off when rate limits are off.
    #[serde(skip)]
    pub limits_edits: bool,
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
            chat_create_by_user: false,
            chat_limit: true,
            withdrawn_get: WithdrawnGet::default(),
            content_v2: false,
            extra_emoji: Vec::new(),
            user_picker: UserPicker::default(),
            outbound_ips: vec!["127.0.0.1".to_owned()],
            limits_edits: true,
        }
    }
}

/// The name of the switch that lets users create groups.
pub(crate) const CREATE_BY_USER: &str = "chat_create_by_user";

/// A switch that cannot be set: its name, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongSwitch {
    /// Its name, as it was given.
    pub name: String,
    /// What is allowed.
    pub why: String,
}

impl Settings {
    /// These settings with some switches set to other values.
    ///
    /// # Errors
    /// The first switch that is unknown or cannot have its value.
    pub fn overlaid(&self, switches: &BTreeMap<String, Value>) -> Result<Settings, WrongSwitch> {
        let mut all = match serde_json::to_value(self) {
            Ok(Value::Object(all)) => all,
            _ => Map::new(),
        };
        for (name, value) in switches {
            let wrong = |why: String| WrongSwitch { name: name.clone(), why };
            if !all.contains_key(name) {
                let near = did_you_mean(name, all.keys().map(String::as_str));
                return Err(wrong(format!("no such switch{near}")));
            }
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            serde_json::from_value::<Settings>(Value::Object(alone))
                .map_err(|error| wrong(format!("{value}: {error}")))?;
            all.insert(name.clone(), value.clone());
        }
        let whole = |error: serde_json::Error| WrongSwitch { name: String::new(), why: error.to_string() };
        let new: Settings = serde_json::from_value(Value::Object(all)).map_err(whole)?;
        Ok(Settings {
            // What it means depends on the server's mode, which has been decided.
            user_picker: if new.user_picker == UserPicker::Auto { self.user_picker } else { new.user_picker },
            outbound_ips: self.outbound_ips.clone(),
            limits_edits: self.limits_edits,
            ..new
        })
    }

    /// For an operation whose page takes tenant tokens only: the scopes of which a user needs one, if a switch opens the
    /// operation to users.
    pub fn user_scopes(&self, spec: &Spec) -> Option<&'static [Scope]> {
        let has = |name: &str| spec.behaviours.iter().any(|behaviour| behaviour.name == name);
        (self.chat_create_by_user && has(CREATE_BY_USER)).then_some(&[scopes::IM_CHAT_CREATE_BY_USER])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn overlaid(switches: Value) -> Result<Settings, WrongSwitch> {
        let server = Settings { user_picker: UserPicker::Off, limits_edits: false, ..Settings::default() };
        server.overlaid(&serde_json::from_value(switches).expect("an object"))
    }

    #[test]
    fn switches_are_laid_over_those_of_the_server() {
        let own =
            overlaid(json!({"tag_owner": "app", "tags_per_chat": 2, "extra_emoji": ["A"]})).expect("valid");
        assert_eq!((own.tag_owner, own.tags_per_chat), (TagOwner::App, 2));
        assert_eq!(own.extra_emoji, ["A"]);
        assert_eq!((own.user_picker, own.limits_edits), (UserPicker::Off, false), "as on the server");
        assert_eq!(overlaid(json!({"user_picker": "auto"})).expect("valid").user_picker, UserPicker::Off);
        assert_eq!(overlaid(json!({"user_picker": "on"})).expect("valid").user_picker, UserPicker::On);
    }

    #[test]
    fn unknown_switches_and_values_are_named() {
        for (switches, name, why) in [
            (json!({"tag_ownr": "app"}), "tag_ownr", "did you mean \"tag_owner\"?"),
            (json!({"outbound_ips": []}), "outbound_ips", "no such switch"),
            (json!({"tag_owner": "me"}), "tag_owner", "expected `tenant` or `app`"),
            (json!({"tags_per_chat": -1}), "tags_per_chat", "expected u32"),
            (json!({"comma_lists": "yes"}), "comma_lists", "expected a boolean"),
            (json!({"extra_emoji": ["a b"]}), "extra_emoji", "letters, digits or underscores"),
        ] {
            let wrong = overlaid(switches).expect_err(name);
            assert_eq!(wrong.name, name);
            assert!(wrong.why.contains(why), "{name}: {}", wrong.why);
        }
    }
}
