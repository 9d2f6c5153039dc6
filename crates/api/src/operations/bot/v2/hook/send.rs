use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::messages::hooks;
use crate::{Empty, Input, Operation, RootCall};

/// `POST /bot/v2/hook/:token`
pub(crate) struct Send;

/// The custom bot.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// Its token.
    pub(crate) token: String,
}

/// The message. It is checked by the operation itself.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// `text`, `post`, `image`, `share_chat` or `interactive`.
    msg_type: Option<String>,
    /// The content of a message that is not a card.
    content: Option<Map<String, Value>>,
    /// The content of a card.
    card: Option<Map<String, Value>>,
    /// For a bot with a signature: seconds since 1970.
    timestamp: Option<String>,
    /// For a bot with a signature: the signature of the timestamp.
    sign: Option<String>,
}

impl Operation for Send {
    const SPEC: &'static Spec = &Spec {
        id: "bot.v2.hook.send",
        summary: "Post to a chat as one of its custom bots",
        reference: "client-docs/bot-v3/add-custom-bot",
        route: post("/open-apis/bot/v2/hook/{token}"),
        access: Access::Open,
        rate: rates::HOOK,
        effect: Effect::Writes,
        consumes: Consumes::Raw,
        reply: Reply::Hook,
        invalid: codes::HOOK_TOKEN_INVALID,
        codes: &[
            codes::HOOK_TOO_OFTEN,
            codes::HOOK_CARD_REFUSED,
            codes::HOOK_TOKEN_INVALID,
            codes::HOOK_TYPE_MISSING,
            codes::HOOK_CARD_UNKNOWN,
            codes::HOOK_CONTENT_UNKNOWN,
            codes::HOOK_SIGN_INVALID,
            codes::HOOK_ADDRESS_NOT_ALLOWED,
            codes::HOOK_KEYWORDS_NOT_FOUND,
            codes::HOOK_TOO_LONG,
            codes::HOOK_SENSITIVE,
        ],
        recodes: hooks::RECODES,
        emits: &[],
        example: r#"{"msg_type":"text","content":{"text":"hello"}}"#,
        behaviours: &[
            hooks::ORDER,
            hooks::CLOCK,
            hooks::ADDRESSES,
            hooks::LIMIT,
            hooks::SENDER,
            hooks::CONTENT,
        ],
        deviations: &[],
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (called, body) = hooks::call(root, &input.path.token, input.file.as_deref()).await?;
        hooks::is_typed(&body)?;
        called.admit(call, &body)?;
        let parsed = hooks::content(&body)?;
        called.post(call, parsed).await?;
        Ok(Empty {})
    }
}
