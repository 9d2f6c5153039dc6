//! Settings of a world: its edition and its administrators' policy.

use larkspur_store::policies::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod get;
pub(crate) mod put;

/// The edition of a world, the policy of its administrators, and whether edits collide in it. Absent fields are reset
/// to their defaults.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Settings {
    /// Whether the edition has restricted mode; if not, enabling it is 232057.
    restricted_mode: bool,
    /// Whether the edition has `hide_member_count_setting`; if not, `only_owner` is 232078.
    hide_member_count: bool,
    /// Whether the administrators allow public groups; if not, creating one is 232091.
    public_groups: bool,
    /// Words that no name or description of a chat may contain, in any case: 232023; nor a message: 230022.
    #[schemars(length(max = 1000))]
    forbidden_words: Vec<String>,
    /// The most bytes of all images and files together; more is 234042. Absent: no quota.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_bytes: Option<i64>,
    /// How long an edit of a chat takes, in milliseconds of the world's clock. Another edit during that time is 232019,
    /// of a menu 232073, with the same uuid 232068. 0: edits wait for one another.
    #[schemars(range(min = 0, max = 86_400_000))]
    edit_ms: i64,
    /// How long senders can recall a message, in seconds of the world's clock; later is 230009. Absent: 24 hours.
    #[schemars(range(min = 0, max = 31_536_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_seconds: Option<i64>,
    /// How long a message can be edited, in seconds of the world's clock; later is 230075. Absent: 24 hours.
    #[schemars(range(min = 0, max = 31_536_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    message_edit_seconds: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        show(&Policy::default())
    }
}

/// A policy, as answers show it.
fn show(policy: &Policy) -> Settings {
    Settings {
        restricted_mode: policy.restricted_mode,
        hide_member_count: policy.hide_member_count,
        public_groups: policy.public_groups,
        forbidden_words: policy.forbidden_words.clone(),
        storage_bytes: policy.storage_bytes,
        edit_ms: policy.edit_ms,
        recall_seconds: policy.recall_seconds,
        message_edit_seconds: policy.message_edit_seconds,
    }
}
