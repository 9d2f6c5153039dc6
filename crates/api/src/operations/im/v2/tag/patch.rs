use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::TagId;
use larkspur_contract::model::{TagI18nName, TagInfo};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, PAGE_SPEAKS, Reply, Spec, codes, patch, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::tags::{self, Naming};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailReason;
use crate::rules;
use crate::{Call, DuplicateName, Empty, Input, Operation};

/// `PATCH /im/v2/tags/:tag_id`
pub(super) struct Patch;

/// The tag.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// Its id.
    tag_id: String,
}

/// What to change.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The changes.
    #[serde(default)]
    patch_tag: PatchTag,
    /// Accepted and ignored: client libraries declare it, but no page does.
    bot_id: Option<String>,
}

/// Changes of a tag; absent fields are unchanged.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct PatchTag {
    /// The id of the tag, again.
    id: Option<String>,
    /// Its default name.
    #[schemars(length(min = 1, max = rules::tags::NAME_MAX))]
    name: Option<String>,
    /// Its names by language; replaces all of them.
    #[schemars(length(max = 40))]
    i18n_names: Option<Vec<TagI18nName>>,
}

/// Either the changed tag, or why it was not changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_info: Option<TagInfo>,
    /// Why it was not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_tag_fail_reason: Option<FailReason>,
}

impl Operation for Patch {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.tag.patch",
        summary: "Change the names of a tag",
        reference: "tenant-tag/patch",
        route: patch("/open-apis/im/v2/tags/{tag_id}"),
        access: Access::tenant(&[scopes::IM_TAG_WRITE]),
        rate: rates::TIER_6,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[codes::TAG_PARAM_INVALID, codes::TAG_NAME_TAKEN_LIVE],
        recodes: &[],
        emits: &[],
        example: r#"{"patch_tag":{"name":"标签名称","i18n_names":[{"locale":"zh_cn","name":"标签2"}]}}"#,
        behaviours: &[
            PAGE_SPEAKS,
            super::DUPLICATE,
            super::UNIQUENESS,
            super::OWNER,
            super::NAMES,
            REPLACE,
            SAME_ID,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let changes = &input.body.patch_tag;
        let tag_id = TagId::parse(&input.path.tag_id).ok_or_else(|| unknown(&input.path.tag_id))?;
        if let Some(other) = changes.id.as_deref().filter(|id| *id != input.path.tag_id) {
            return Err(Fault::new(
                codes::TAG_PARAM_INVALID,
                "the tag in the body differs from the one in the path",
            )
            .with_violation("patch_tag.id", Some(other), "must be the tag_id of the path"));
        }
        if let Some(names) = &changes.i18n_names {
            rules::tags::distinct_locales(names, "patch_tag.i18n_names")?;
        }
        let present = tags::lock(tx, tag_id).await?.filter(|tag| rules::tags::is_known_to(call, tag));
        let mut tag = present.ok_or_else(|| unknown(&input.path.tag_id))?;
        if changes.name.is_none() && changes.i18n_names.is_none() {
            return Ok(Output { tag_info: Some(tag.info()), patch_tag_fail_reason: None });
        }
        tag.name = changes.name.clone().unwrap_or(tag.name);
        tag.i18n_names = changes.i18n_names.clone().unwrap_or(tag.i18n_names);
        tag.update_time = call.now;
        match tags::update(tx, &tag).await? {
            Naming::Done => Ok(Output { tag_info: Some(tag.info()), patch_tag_fail_reason: None }),
            Naming::Taken(_) if call.settings.duplicate_name == DuplicateName::Code402 => {
                Err(Fault::new(codes::TAG_NAME_TAKEN_LIVE, "the name is taken"))
            }
            Naming::Taken(other) => Ok(Output {
                tag_info: None,
                patch_tag_fail_reason: Some(FailReason { duplicate_id: other.to_string() }),
            }),
        }
    }
}

fn unknown(tag_id: &str) -> Fault {
    Fault::new(codes::TAG_PARAM_INVALID, "no such tag").with_violation("tag_id", Some(tag_id), "no such tag")
}

const REPLACE: Behaviour = Behaviour {
    name: "patch_i18n_names",
    rule: "i18n_names, if sent, replaces the whole list. A missing or empty patch_tag changes nothing; the answer is the tag.",
    basis: Assumed,
    switch: false,
};
const SAME_ID: Behaviour = Behaviour {
    name: "patch_tag_id",
    rule: "The path names the tag; a different id in the body is refused.",
    basis: Assumed,
    switch: false,
};
