use larkspur_api::rules::policies::{WORD_MAX, WORDS_MAX};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::policies::{self, Policy};
use larkspur_store::{Root, tenants};

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
            recall_seconds: self.recall_seconds,
            message_edit_seconds: self.message_edit_seconds,
        })
    }
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.settings.put",
        summary: "Set the settings of a world: its edition, its administrators' policy, and whether edits collide",
        route: put("/larkspur/v1/worlds/{tenant_key}/settings"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"public_groups":false,"forbidden_words":["secret"]}"#,
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
        Ok(show(&policy))
    }
}
