//! What a person may do in a chat, as the view shows it.

use larkspur_api::acts;
use schemars::JsonSchema;
use serde::Serialize;

use crate::refused::Refusal;

/// Something that is done in a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Act {
    /// Its name, such as `speak`.
    act: &'static str,
    /// Whether the user may do it now.
    allowed: bool,
    /// The rule that decides.
    rule: &'static str,
    /// The setting of the chat that the rule reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
    /// The value of the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'static str>,
    /// Why it is not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

impl Act {
    pub(super) fn of(act: &acts::Act, world: &str) -> Self {
        Act {
            act: act.name,
            allowed: act.refused.is_none(),
            rule: act.rule,
            setting: act.setting.map(|(name, _)| name),
            value: act.setting.map(|(_, value)| value),
            refusal: act.refused.as_ref().map(|fault| Refusal::of(fault, world)),
        }
    }
}
