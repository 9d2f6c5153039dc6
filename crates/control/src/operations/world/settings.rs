use larkspur_api::rules::policies::{WORD_MAX, WORDS_MAX};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates};
use larkspur_store::policies::{self, Policy};
use larkspur_store::{Root, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::WorldPath;
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/settings`
pub(crate) struct Put;

/// What the world's edition has, what its administrators allow, and whether edits collide in it. What is absent is as usual
/// from now on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Body {
    /// Whether the edition has restricted mode; without, switching it on is 232057.
    restricted_mode: bool,
    /// Whether the edition has `hide_member_count_setting`; without, `only_owner` is 232078.
    hide_member_count: bool,
    /// Whether the administrators allow public groups; if not, making one is 232091.
    public_groups: bool,
    /// Words that no name and no description of a chat may hold, whatever their case: 232023.
    #[schemars(length(max = 1000))]
    forbidden_words: Vec<String>,
    /// The most bytes of all images together; more is 234042. Absent: no quota.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_bytes: Option<i64>,
    /// How long an edit of a chat takes, in milliseconds of the world's clock; another one meanwhile is 232019, of a menu
    /// 232073, with the same uuid 232068. 0: edits wait for one another.
    #[schemars(range(min = 0, max = 86_400_000))]
    edit_ms: i64,
}

impl Default for Body {
    fn default() -> Self {
        show(&Policy::default())
    }
}

/// A policy as answers show it.
pub(super) fn show(policy: &Policy) -> Body {
    Body {
        restricted_mode: policy.restricted_mode,
        hide_member_count: policy.hide_member_count,
        public_groups: policy.public_groups,
        forbidden_words: policy.forbidden_words.clone(),
        storage_bytes: policy.storage_bytes,
        edit_ms: policy.edit_ms,
    }
}

impl Body {
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
        })
    }
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.settings.put",
        summary: "Set what a world's edition and administrators allow, and whether edits collide in it",
        reference: "",
        route: put("/larkspur/v1/worlds/{tenant_key}/settings"),
        access: Access::Control,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::CONTROL_PARAM_INVALID,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        example: r#"{"public_groups":false,"forbidden_words":["secret"]}"#,
        behaviours: &[],
        deviations: &[],
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Body;

    async fn run(root: &mut Root, _call: &RootCall, input: &Input<Self>) -> Result<Body, Fault> {
        let key = &input.path.tenant_key;
        let mut tx = root.tenant(support::tenant_key(key)?);
        tenants::lock(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        let policy = input.body.policy()?;
        policies::set(&mut tx, &policy).await?;
        Ok(show(&policy))
    }
}
