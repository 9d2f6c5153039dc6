use larkspur_contract::ids::ChatId;
use larkspur_contract::model::ChatStatus;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::own::{self, Mute};
use larkspur_store::{Tx, chats};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Invalid;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chat_user_setting/batch_update`
pub(super) struct BatchUpdate;

/// What to set.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// One for each chat.
    #[schemars(length(min = 1, max = 10))]
    chat_settings: Vec<Setting>,
}

/// Settings in a chat; absent ones are unchanged.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Setting {
    /// The chat.
    chat_id: String,
    /// Whether it is muted.
    is_muted: Option<bool>,
    /// Whether mentions of all members are muted.
    is_mute_at_all: Option<bool>,
}

/// The chats that were not changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Their ids.
    invalid_ids: Vec<Invalid>,
}

impl Operation for BatchUpdate {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_user_setting.batch_update",
        summary: "Mute or unmute chats",
        reference: "im-v1/chat_user_setting/batch_update",
        route: post("/open-apis/im/v1/chat_user_setting/batch_update"),
        access: Access::user(&[scopes::IM_CHAT_UPDATE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::BOT_NOT_ACTIVATED, codes::APP_UNAVAILABLE],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_settings":[{"chat_id":"{chat_id}","is_muted":true}]}"#,
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
        let settings = &input.body.chat_settings;
        let mut answer = Output { invalid_ids: Vec::new() };
        let mut known: Vec<(ChatId, &str)> = Vec::new();
        for (text, id) in super::distinct(settings.iter().map(|setting| &setting.chat_id)) {
            match id {
                Some(id) => known.push((id, text)),
                None => answer.invalid_ids.push(Invalid::stranger(text)),
            }
        }
        // All calls lock rows in the same order, so two calls cannot deadlock.
        known.sort_unstable();
        let me = call.operator();
        for (id, text) in known {
            let Some(chat) = chats::lock(tx, id).await? else {
                answer.invalid_ids.push(Invalid::stranger(text));
                continue;
            };
            let Some(old) = own::mutes(tx, &me, &[id]).await?.remove(&id) else {
                answer.invalid_ids.push(Invalid::stranger(text));
                continue;
            };
            if chat.status != ChatStatus::Normal {
                answer.invalid_ids.push(Invalid::dissolved(text));
                continue;
            }
            let ours = settings.iter().filter(|setting| setting.chat_id == text);
            let new = ours.fold(old, |mute, setting| Mute {
                chat: setting.is_muted.unwrap_or(mute.chat),
                at_all: setting.is_mute_at_all.unwrap_or(mute.at_all),
            });
            own::set_mute(tx, &chat, &me, new).await?;
        }
        // In the order of the request.
        let place = |id: &str| settings.iter().position(|setting| setting.chat_id == id);
        answer.invalid_ids.sort_by_key(|invalid| place(&invalid.id));
        Ok(answer)
    }
}
