use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, chats, own};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chat_user_setting/batch_query`
pub(super) struct BatchQuery;

/// The chats.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Their ids; the user must be in each.
    #[schemars(length(min = 1, max = 10))]
    chat_ids: Vec<String>,
}

/// The user's settings in the chats.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// One for each chat.
    items: Vec<Setting>,
}

/// The user's settings in a chat.
#[derive(Debug, Serialize, JsonSchema)]
struct Setting {
    /// The chat.
    chat_id: String,
    /// Whether it is muted.
    is_muted: bool,
    /// Whether mentions of all members are muted.
    is_mute_at_all: bool,
}

impl Operation for BatchQuery {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_user_setting.batch_query",
        summary: "Get the user's settings in some chats",
        reference: "im-v1/chat_user_setting/batch_query",
        route: post("/open-apis/im/v1/chat_user_setting/batch_query"),
        access: Access::user(&[scopes::IM_CHAT_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CHAT_ID_INVALID,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::BOT_NOT_ACTIVATED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_ids":["{chat_id}"]}"#,
        behaviours: &[super::SHAPE, IN_EACH],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        standing::app_may(call)?;
        let asked = super::distinct(&input.body.chat_ids);
        let ids: Vec<_> = asked.iter().filter_map(|(_, id)| *id).collect();
        let mutes = own::mutes(tx, &call.operator(), &ids).await?;
        let mut items = Vec::with_capacity(asked.len());
        for (text, id) in asked {
            let Some(mute) = id.and_then(|id| mutes.get(&id)) else {
                let known = match id {
                    Some(id) => chats::get(tx, id).await?.is_some(),
                    None => false,
                };
                if !known {
                    return Err(standing::absent(tx, call, text).await?);
                }
                let operator = call.operator().to_column();
                let why = format!("{operator} is not in {text}");
                return Err(Fault::new(codes::OPERATOR_NOT_IN_CHAT, why)
                    .by_rule("chat_member")
                    .with_fact("operator", operator)
                    .with_fact("chat_id", text.to_owned()));
            };
            let chat_id = text.to_owned();
            items.push(Setting { chat_id, is_muted: mute.chat, is_mute_at_all: mute.at_all });
        }
        Ok(Output { items })
    }
}

const IN_EACH: Behaviour = Behaviour {
    name: "user_setting_query",
    rule: "The user must be in every chat, which may be dissolved. The first chat where that is not the case refuses the call: 232006, 232010 or 232011.",
    basis: Assumed,
    switch: false,
};
