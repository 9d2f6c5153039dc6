use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::{Tx, own};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Invalid;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chat_user_setting/batch_get_mute_status`
pub(super) struct BatchGetMuteStatus;

/// The chats.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Their ids, 1 to 100.
    #[schemars(length(max = 100))]
    chat_ids: Vec<String>,
}

/// The mute status of the chats.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The user's chats.
    items: Vec<MuteStatus>,
    /// The others.
    invalid_id_list: Vec<Invalid>,
}

/// Whether a chat is muted.
#[derive(Debug, Serialize, JsonSchema)]
struct MuteStatus {
    /// The chat.
    chat_id: String,
    /// Whether it is.
    is_muted: bool,
}

impl Operation for BatchGetMuteStatus {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_user_setting.batch_get_mute_status",
        summary: "Get which of some chats the user has muted",
        reference: "im-v1/chat_user_setting/batch_get_mute_status",
        route: post("/open-apis/im/v1/chat_user_setting/batch_get_mute_status"),
        access: Access::user(&[scopes::IM_CHAT_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::PARAM_INVALID, codes::BOT_NOT_ACTIVATED, codes::APP_UNAVAILABLE],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_ids":["{chat_id}"]}"#,
        behaviours: &[super::SHAPE, super::IDS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        standing::app_may(call)?;
        if input.body.chat_ids.is_empty() {
            let fault = Fault::new(codes::PARAM_INVALID, "chat_ids is empty");
            return Err(fault.with_violation("chat_ids", None, "chat_ids is empty"));
        }
        let asked = super::distinct(&input.body.chat_ids);
        let ids: Vec<_> = asked.iter().filter_map(|(_, id)| *id).collect();
        let mutes = own::mutes(tx, &call.operator(), &ids).await?;
        let mut answer = Output { items: Vec::new(), invalid_id_list: Vec::new() };
        for (text, id) in asked {
            match id.and_then(|id| mutes.get(&id)) {
                Some(mute) => {
                    answer.items.push(MuteStatus { chat_id: text.to_owned(), is_muted: mute.chat });
                }
                None => answer.invalid_id_list.push(Invalid::stranger(text)),
            }
        }
        Ok(answer)
    }
}
