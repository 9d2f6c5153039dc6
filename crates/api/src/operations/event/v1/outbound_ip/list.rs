use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Call, Empty, Input, Operation, paging};

/// `GET /event/v1/outbound_ip`
pub(crate) struct OutboundIp;

/// The page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// Empty for the first page.
    page_token: Option<String>,
    /// 10 by default.
    #[schemars(range(min = 1, max = 50))]
    page_size: Option<i64>,
}

/// A page of IP addresses.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The IP addresses that events come from.
    ip_list: Vec<String>,
    /// Token of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl Operation for OutboundIp {
    const SPEC: &'static Spec = &Spec {
        id: "event.v1.outbound_ip.list",
        summary: "List the IP addresses that events come from",
        reference: "event-v1/outbound_ip/list",
        route: get("/open-apis/event/v1/outbound_ip"),
        access: Access::tenant(&[scopes::EVENT_IP_LIST]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::OUTBOUND_PARAM_INVALID],
        recodes: &[],
        emits: &[],
        example: "page_size=50",
        behaviours: &[ADDRESSES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (keys, query) = (&tx.engine().keys, &input.query);
        let size = query.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(10);
        let token = query.page_token.as_deref();
        let place = paging::read_or(keys, Self::SPEC.id, token, codes::OUTBOUND_PARAM_INVALID)?;
        let first = place.and_then(|place| place.parse::<usize>().ok()).unwrap_or(0);
        let all = &call.settings.outbound_ips;
        let ip_list: Vec<String> = all.iter().skip(first).take(size).cloned().collect();
        let next = first + ip_list.len();
        let has_more = next < all.len();
        let page_token = has_more.then(|| paging::write(keys, Self::SPEC.id, &next.to_string()));
        Ok(Output { ip_list, page_token, has_more })
    }
}

const ADDRESSES: Behaviour = Behaviour {
    name: "outbound_ips",
    rule: "The IP addresses are those of the setting events.outbound_ips; 127.0.0.1 by default.",
    basis: Basis::Assumed,
    switch: false,
};
