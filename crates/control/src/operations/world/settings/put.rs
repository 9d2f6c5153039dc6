use larkspur_api::rules::policies::{WORD_MAX, WORDS_MAX};
use larkspur_api::{Empty, Input, Operation, RootCall, Settings as Switches};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::ScopeChecks;
use larkspur_contract::rates::RateLimits;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::policies::{self, Overrides, Policy, TrafficOverrides};
use larkspur_store::{Root, frequency, tenants};
use serde_json::Value;

use super::{Settings, show};
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/settings`
pub(crate) struct Put;

impl Settings {
    fn policy(&self) -> Result<Policy, Fault> {
        let fits = |word: &&String| (1..=WORD_MAX).contains(&word.chars().count());
        if let Some(wrong) = self.forbidden_words.iter().find(|word| !fits(word)) {
            let why = format!("a word has 1 to {WORD_MAX} characters");
            return Err(values::invalid("forbidden_words[*]", Some(wrong), &why));
        }
        debug_assert!(self.forbidden_words.len() <= WORDS_MAX, "the schema says so");
        Ok(Policy {
            restricted_mode: self.restricted_mode,
            hide_member_count: self.hide_member_count,
            public_groups: self.public_groups,
            forbidden_words: self.forbidden_words.clone(),
            storage_bytes: self.storage_bytes,
            edit_ms: self.edit_ms,
            old_announcements: self.old_announcements,
            recall_seconds: self.recall_seconds,
            message_edit_seconds: self.message_edit_seconds,
            monthly_calls: self.monthly_calls,
            daily_batch_messages: self.daily_batch_messages,
            overrides: self.overrides()?,
        })
    }

    /// What the world has in place of the server's settings; `None` if it has nothing.
    fn overrides(&self) -> Result<Option<Box<Overrides>>, Fault> {
        let rate_limits = match &self.rate_limits {
            None => None,
            Some(value) => Some(rate_limits(value)?),
        };
        let behaviours = self.behaviours.clone().unwrap_or_default();
        Switches::default()
            .overlaid(&behaviours)
            .map_err(|wrong| values::invalid(&format!("behaviours.{}", wrong.name), None, &wrong.why))?;
        let traffic = self.traffic.map_or_else(TrafficOverrides::default, |traffic| TrafficOverrides {
            record: traffic.record,
            body_kb: traffic.body_kb.and_then(|kib| u32::try_from(kib).ok()),
        });
        let own = Overrides {
            rate_limits,
            rate_limit_status: self.rate_limit_status.and_then(|status| u16::try_from(status).ok()),
            brand: self.brand,
            permissions: self.permissions.filter(|checks| *checks != ScopeChecks::Enforce),
            behaviours,
            traffic,
        };
        Ok(Some(Box::new(own)).filter(|own| **own != Overrides::default()))
    }
}

/// How rate limits are applied: a word, or a number.
fn rate_limits(value: &Value) -> Result<RateLimits, Fault> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let wrong = |_| values::invalid("rate_limits", Some(&text), "platform, off or a number above 0");
    text.parse().map_err(wrong)
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.settings.put",
        summary: "Set the settings of a world: its edition, its administrators' policy, what its calls are allowed, and what is recorded of them",
        route: put("/larkspur/v1/worlds/{tenant_key}/settings"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"public_groups":false,"forbidden_words":["secret"]}"#,
        behaviours: &[QUOTA],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Settings;
    type Output = Settings;

    async fn run(root: &mut Root, _call: &RootCall, input: &Input<Self>) -> Result<Settings, Fault> {
        let key = &input.path.tenant_key;
        let mut tx = root.tenant(support::tenant_key(key)?);
        tenants::lock(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        let policy = input.body.policy()?;
        policies::set(&mut tx, &policy).await?;
        if policy.monthly_calls.is_none() {
            frequency::forget_months(&mut tx).await?;
        }
        Ok(show(&policy))
    }
}

const QUOTA: Behaviour = Behaviour {
    name: "monthly_quota",
    rule: "monthly_calls counts the calls with tenant and user tokens that pass token, scope and rate limit, whatever they answer; a refused one does not count. The month is that of the world's clock, in UTC+8. The count is in the store, so it outlives a restart and is that of all servers together; it begins when a quota is set in a world without one, and anew when the world is restored or reset.",
    basis: Assumed,
    switch: false,
};
