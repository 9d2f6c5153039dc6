use larkspur_contract::Basis::Documented;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::{Tx, tags};

use super::Relation;
use crate::rules::tags::is_known_to;
use crate::{Call, Empty, Input, Operation};

/// `PUT /im/v2/biz_entity_tag_relation`
pub(super) struct Update;

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.biz_entity_tag_relation.update",
        summary: "Unbind tags from a chat",
        reference: "tenant-tag/update",
        route: put("/open-apis/im/v2/biz_entity_tag_relation"),
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
        behaviours: &[super::ENTITY, REMOVES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Relation;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let unwanted = input.body.tags()?;
        let chat = super::lock(tx, &input.body.biz_entity_id).await?;
        for tag in tags::by_ids(tx, &unwanted).await? {
            if is_known_to(call, &tag) {
                tags::unbind(tx, &chat, tag.tag_id).await?;
            }
        }
        Ok(Empty {})
    }
}

const REMOVES: Behaviour = Behaviour {
    name: "put_unbinds",
    rule: "PUT removes the listed tags and keeps the others; ids that are not bound are skipped.",
    basis: Documented,
    switch: false,
};
