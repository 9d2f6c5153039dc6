use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, PAGE_SPEAKS, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, tags};

use super::Relation;
use crate::operations::im::v2::tag::OWNER;
use crate::rules::tags::is_known_to;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v2/biz_entity_tag_relation`
pub(super) struct Create;

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.biz_entity_tag_relation.create",
        summary: "Bind tags to a chat",
        reference: "tenant-tag/create-2",
        route: post("/open-apis/im/v2/biz_entity_tag_relation"),
        access: Access::tenant(&[scopes::IM_TAG_RELATION_WRITE]),
        rate: rates::TIER_6,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[codes::TAG_PARAM_INVALID],
        recodes: &[],
        emits: &[],
        example: r#"{"tag_biz_type":"chat","biz_entity_id":"{chat_id}","tag_ids":[]}"#,
        behaviours: &[PAGE_SPEAKS, super::ENTITY, ADDS, OWNER, DEAD_IDS, LIMIT],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Relation;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let wanted = input.body.tags()?;
        let chat = super::lock(tx, &input.body.biz_entity_id).await?;
        let mut known = tags::by_ids(tx, &wanted).await?;
        known.retain(|tag| is_known_to(call, tag));
        for id in wanted {
            if known.iter().any(|tag| tag.tag_id == id) {
                tags::bind(tx, &chat, id, call.now).await?;
            } else if call.settings.strict_tag_ids {
                return Err(Fault::new(codes::TAG_PARAM_INVALID, "no such tag").with_violation(
                    "tag_ids[*]",
                    Some(&id.to_string()),
                    "no such tag",
                ));
            }
        }
        let limit = i64::from(call.settings.tags_per_chat);
        if limit > 0 && tags::count_bound(tx, chat.chat_id).await? > limit {
            return Err(Fault::new(
                codes::TAG_PARAM_INVALID,
                "the chat would have more tags than tags_per_chat",
            )
            .with_violation("tag_ids", None, &format!("the max len is {limit}")));
        }
        Ok(Empty {})
    }
}

const ADDS: Behaviour = Behaviour {
    name: "bind_adds",
    rule: "Binding adds to the bound tags, as seen in live reports. A tag that is already bound keeps its bind_version. Without tag_ids, the call succeeds without effect.",
    basis: Observed,
    switch: false,
};
const DEAD_IDS: Behaviour = Behaviour {
    name: "strict_tag_ids",
    rule: "Well-formed unknown ids are skipped with code 0, as seen in one live report; with the switch they are 230001. Malformed ids are always 230001.",
    basis: Observed,
    switch: true,
};
const LIMIT: Behaviour = Behaviour {
    name: "tags_per_chat",
    rule: "A chat can have any number of tags, with at most 40 per call; the switch sets a limit.",
    basis: Assumed,
    switch: true,
};
