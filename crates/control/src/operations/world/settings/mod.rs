//! Settings of a world: its edition, its administrators' policy, and what it has in place of the server's settings.

use std::collections::BTreeMap;

use larkspur_contract::envelope::Brand;
use larkspur_contract::model::ScopeChecks;
use larkspur_store::policies::{Overrides, Policy, TrafficOverrides};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) mod get;
pub(crate) mod put;

/// The edition of a world, the policy of its administrators, whether edits collide in it, and what it has in place of the
/// server's settings. Absent fields are reset to their defaults, or to what the server has.
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
    /// Whether new groups have announcements of the old form, `doc`.
    old_announcements: bool,
    /// How long senders can recall a message, in seconds of the world's clock; later is 230009. Absent: 24 hours.
    #[schemars(range(min = 0, max = 31_536_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_seconds: Option<i64>,
    /// How long a message can be edited, in seconds of the world's clock; later is 230075. Absent: 24 hours.
    #[schemars(range(min = 0, max = 31_536_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    message_edit_seconds: Option<i64>,
    /// The most calls with access tokens in a calendar month of the world's clock (UTC+8), of all apps together; more are
    /// 99991403 until the next month. Absent: no quota.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_calls: Option<i64>,
    /// The most messages that the batches of one app may have in a day of the world's clock (UTC+8); more are 11247. Absent: 500,000.
    #[schemars(range(min = 0, max = 500_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_batch_messages: Option<i64>,
    /// How rate limits apply to its calls: `platform`, `off`, or a factor above 0. Absent: as on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limits: Option<Value>,
    /// The HTTP status of a call over the rate limit, where its page names none. Absent: as on the server.
    #[schemars(extend("enum" = [400, 429]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_status: Option<i64>,
    /// The brand whose texts and links refusals show. Absent: as on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<Brand>,
    /// What happens to a call that lacks a scope: it is refused (`enforce`, the default); it is let through, and its record
    /// has the outcome `soft` and says which scope it lacked (`soft`); or it is let through (`off`).
    #[schemars(extend("default" = "enforce"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<ScopeChecks>,
    /// Switches of behaviors, by the names of `[behaviours]` in the server's settings. Absent ones are as on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    behaviours: Option<BTreeMap<String, Value>>,
    /// What is recorded of its calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic: Option<TrafficSettings>,
}

/// What is recorded of the calls of a world. Calls of the control API are recorded as the server is set.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TrafficSettings {
    /// Whether they are recorded. Absent: as on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<bool>,
    /// The most KiB of a body that are kept. Absent: as on the server.
    #[schemars(range(min = 0, max = 10_240))]
    #[serde(skip_serializing_if = "Option::is_none")]
    body_kb: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        show(&Policy::default())
    }
}

/// A policy, as answers show it.
fn show(policy: &Policy) -> Settings {
    let own = policy.overrides.as_deref().cloned().unwrap_or_default();
    let Overrides { rate_limits, rate_limit_status, brand, permissions, behaviours, traffic } = own;
    let traffic_settings =
        TrafficSettings { record: traffic.record, body_kb: traffic.body_kb.map(i64::from) };
    Settings {
        restricted_mode: policy.restricted_mode,
        hide_member_count: policy.hide_member_count,
        public_groups: policy.public_groups,
        forbidden_words: policy.forbidden_words.clone(),
        storage_bytes: policy.storage_bytes,
        edit_ms: policy.edit_ms,
        old_announcements: policy.old_announcements,
        recall_seconds: policy.recall_seconds,
        message_edit_seconds: policy.message_edit_seconds,
        monthly_calls: policy.monthly_calls,
        daily_batch_messages: policy.daily_batch_messages,
        rate_limits: rate_limits.map(|limits| Value::String(limits.to_string())),
        rate_limit_status: rate_limit_status.map(i64::from),
        brand,
        permissions,
        behaviours: Some(behaviours).filter(|behaviours| !behaviours.is_empty()),
        traffic: Some(traffic_settings).filter(|_| traffic != TrafficOverrides::default()),
    }
}
