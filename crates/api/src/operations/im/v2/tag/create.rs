use larkspur_contract::ids::TagId;
use larkspur_contract::model::{TagI18nName, TagType};
use larkspur_contract::{
    Access, Consumes, Effect, Fault, PAGE_SPEAKS, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::tags::{self, Naming, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailReason;
use crate::rules;
use crate::{Call, DuplicateName, Empty, Input, Operation};

/// `POST /im/v2/tags`
pub(super) struct Create;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The tag.
    create_tag: CreateTag,
    /// Accepted and ignored: client libraries declare it, but no page does.
    bot_id: Option<String>,
}

/// A tag to create.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct CreateTag {
    /// Its type.
    tag_type: TagType,
    /// Its default name.
    #[schemars(length(min = 1, max = rules::tags::NAME_MAX))]
    name: String,
    /// Its names by language.
    #[serde(default)]
    #[schemars(length(max = 40))]
    i18n_names: Vec<TagI18nName>,
}

/// Either the id of the new tag, or why it was not created.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The new tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Why it was not created.
    #[serde(skip_serializing_if = "Option::is_none")]
    create_tag_fail_reason: Option<FailReason>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.tag.create",
        summary: "Create a tag",
        reference: "tenant-tag/create",
        route: post("/open-apis/im/v2/tags"),
        access: Access::tenant(&[scopes::IM_TAG_WRITE]),
        rate: rates::TIER_6,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[codes::TAG_PARAM_INVALID, codes::TAG_NAME_TAKEN_LIVE],
        recodes: &[],
        emits: &[],
        example: r#"{"create_tag":{"tag_type":"tenant","name":"default name","i18n_names":[{"locale":"zh_cn","name":"标签1"}]}}"#,
        behaviours: &[PAGE_SPEAKS, super::DUPLICATE, super::UNIQUENESS, super::NAMES],
        deviations: &[],
    };
    const ONLY_ADDS: bool = true;
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let draft = &input.body.create_tag;
        rules::tags::distinct_locales(&draft.i18n_names, "create_tag.i18n_names")?;
        let tag = Tag {
            tag_id: TagId(tx.next_id()),
            tag_type: draft.tag_type,
            name: draft.name.clone(),
            i18n_names: draft.i18n_names.clone(),
            app_id: call.app_id(),
            create_time: call.now,
            update_time: call.now,
        };
        match tags::insert(tx, &tag).await? {
            Naming::Done => Ok(Output { id: Some(tag.tag_id.to_string()), create_tag_fail_reason: None }),
            Naming::Taken(_) if call.settings.duplicate_name == DuplicateName::Code402 => {
                Err(Fault::new(codes::TAG_NAME_TAKEN_LIVE, "the name is taken"))
            }
            Naming::Taken(other) => Ok(Output {
                id: None,
                create_tag_fail_reason: Some(FailReason { duplicate_id: other.to_string() }),
            }),
        }
    }
}
