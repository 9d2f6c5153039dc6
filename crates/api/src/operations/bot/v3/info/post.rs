use larkspur_contract::Basis::Observed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Tx;

use super::Output;
use crate::{Call, Empty, Input, Operation};

/// `POST /bot/v3/info`
pub(crate) struct InfoPost;

impl Operation for InfoPost {
    const SPEC: &'static Spec = &Spec {
        id: "bot.v3.info.post",
        summary: "Get the app's bot, by POST",
        reference: "bot-v3/bot/get",
        route: post("/open-apis/bot/v3/info"),
        access: Access::tenant(&[]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Flat("ok"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[super::WITHOUT, BY_POST],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        Ok(super::answer(tx, call))
    }
}

const BY_POST: Behaviour = Behaviour {
    name: "bot_info_by_post",
    rule: "The page names only GET; POST is answered in the same way, whatever the body, because a client library relies on it.",
    basis: Observed,
    switch: false,
};
