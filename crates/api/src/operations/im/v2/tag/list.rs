use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::TagId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, PAGE_SPEAKS, Reply, Spec, codes, get, rates, scopes,
};
use larkspur_store::{Memory, Tx, tags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TagInfos;
use crate::rules::tags::is_known_to;
use crate::{Call, Empty, Input, Operation, TagOwner};

/// `GET /im/v2/tags`
pub(super) struct List;

/// The tags.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// Their ids.
    #[schemars(length(max = 40))]
    ids: Vec<String>,
}

impl Query {
    /// The well-formed ids without duplicates, in the order of their first appearance.
    fn distinct(&self) -> Vec<TagId> {
        let mut distinct = Vec::with_capacity(self.ids.len());
        for id in self.ids.iter().filter_map(|id| TagId::parse(id)) {
            if !distinct.contains(&id) {
                distinct.push(id);
            }
        }
        distinct
    }
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.tag.list",
        summary: "Query tags by id",
        reference: "tenant-tag/list",
        route: get("/open-apis/im/v2/tags"),
        access: Access::tenant(&[scopes::IM_TAG_READ]),
        rate: rates::TIER_6,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[codes::TAG_PARAM_INVALID],
        recodes: &[],
        emits: &[],
        example: "ids=7307000000000000000",
        behaviours: &[PAGE_SPEAKS, super::OWNER, UNKNOWN, COMMAS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = TagInfos;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<TagInfos, Fault> {
        let ids = input.query.distinct();
        let found = tags::by_ids(tx, &ids).await?;
        let tag_infos = ids
            .iter()
            .filter_map(|id| found.iter().find(|tag| tag.tag_id == *id))
            .filter(|tag| is_known_to(call, tag))
            .map(tags::Tag::info)
            .collect();
        Ok(TagInfos { tag_infos })
    }

    fn recall(memory: &Memory, call: &Call, input: &Input<Self>, out: &mut Vec<u8>) -> bool {
        if call.settings.tag_owner != TagOwner::Tenant {
            return false;
        }
        let ids = input.query.distinct();
        out.reserve(ids.len() * 256);
        out.extend_from_slice(br#"{"tag_infos":["#);
        for (index, id) in ids.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if memory.tags.peek(&(call.tenant, id), |json| out.extend_from_slice(json)).is_none() {
                out.clear();
                return false;
            }
        }
        out.extend_from_slice(b"]}");
        true
    }
}

const UNKNOWN: Behaviour = Behaviour {
    name: "unknown_tag_ids_in_query",
    rule: "Unknown and malformed ids are omitted; tags are in the order of the request, each once. Without the parameter ids the call is refused; with `ids=` the list is empty.",
    basis: Assumed,
    switch: false,
};
const COMMAS: Behaviour = Behaviour {
    name: "comma_lists",
    rule: "ids can be repeated, written as ids[] or ids[0], or joined by commas.",
    basis: Assumed,
    switch: true,
};
