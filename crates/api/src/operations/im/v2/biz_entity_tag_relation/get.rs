use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{TagBizType, TagInfo};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::{Tx, chats, tags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::tags::is_known_to;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v2/biz_entity_tag_relation`
pub(super) struct Get;

/// The chat.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The kind of entity.
    tag_biz_type: TagBizType,
    /// The chat.
    #[schemars(length(min = 1))]
    biz_entity_id: String,
}

/// The tags of a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Oldest binding first.
    tag_info_with_bind_versions: Vec<Bound>,
}

/// A tag with the version of its binding.
#[derive(Debug, Serialize, JsonSchema)]
struct Bound {
    /// The tag.
    tag_info: TagInfo,
    /// When it was bound: milliseconds since 1970, decimal.
    bind_version: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.biz_entity_tag_relation.get",
        summary: "Query the tags of a chat",
        reference: "tenant-tag/get",
        route: get("/open-apis/im/v2/biz_entity_tag_relation"),
        access: Access::tenant(&[scopes::IM_TAG_RELATION_READ, scopes::IM_TAG_READ]),
        rate: rates::TIER_6,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[codes::TAG_PARAM_INVALID],
        recodes: &[],
        emits: &[],
        example: "tag_biz_type=chat&biz_entity_id={chat_id}",
        behaviours: &[super::ENTITY],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let id = &input.query.biz_entity_id;
        let chat = match ChatId::parse(id) {
            Some(id) => chats::get(tx, id).await?,
            None => None,
        };
        let chat = chat.ok_or_else(|| super::no_entity(id))?;
        super::in_use(&chat, id)?;
        let bound = tags::bound(tx, chat.chat_id).await?;
        let known = bound.into_iter().filter(|(tag, _)| is_known_to(call, tag));
        Ok(Output {
            tag_info_with_bind_versions: known
                .map(|(tag, version)| Bound { tag_info: tag.info(), bind_version: version.to_string() })
                .collect(),
        })
    }
}
