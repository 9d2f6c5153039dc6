use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::MsgType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::messages::hooks;
use crate::operations::bot::v2::hook::send::Path;
use crate::rules::content::{self, Malformed};
use crate::{Empty, Input, Operation, RootCall};

/// `POST /bot/hook/:token`
pub(crate) struct Send;

/// The message. It is checked by the operation itself.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its title.
    title: Option<String>,
    /// Its text.
    text: Option<String>,
    /// For a bot with a signature: seconds since 1970.
    timestamp: Option<String>,
    /// For a bot with a signature: the signature of the timestamp.
    sign: Option<String>,
}

impl Operation for Send {
    const SPEC: &'static Spec = &Spec {
        id: "bot.hook.send",
        summary: "Post to a chat as one of its custom bots (version 1)",
        reference: "client-docs/bot-v3/add-custom-bot",
        route: post("/open-apis/bot/hook/{token}"),
        access: Access::Open,
        rate: rates::HOOK,
        effect: Effect::Writes,
        consumes: Consumes::Raw,
        reply: Reply::Hook,
        invalid: codes::HOOK_TOKEN_INVALID,
        codes: &[
            codes::HOOK_TOO_OFTEN,
            codes::HOOK_TOKEN_INVALID,
            codes::HOOK_CONTENT_UNKNOWN,
            codes::HOOK_SIGN_INVALID,
            codes::HOOK_ADDRESS_NOT_ALLOWED,
            codes::HOOK_KEYWORDS_NOT_FOUND,
            codes::HOOK_SENSITIVE,
        ],
        recodes: &[(codes::MESSAGE_SENSITIVE, codes::HOOK_SENSITIVE)],
        emits: &[],
        example: r#"{"title":"greeting","text":"hello"}"#,
        behaviours: &[VERSION_1, hooks::ORDER, hooks::CLOCK, hooks::ADDRESSES, hooks::LIMIT, hooks::SENDER],
        deviations: &[],
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (called, body) = hooks::call(root, &input.path.token, input.file.as_deref()).await?;
        called.admit(call, &body)?;
        let text = body.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| hooks::refusal(Malformed::Content))?;
        let parsed = match body.get("title").and_then(Value::as_str).filter(|title| !title.is_empty()) {
            Some(title) => {
                let content = [[json!({"tag": "text", "text": text})]];
                let post = json!({"post": {"zh_cn": {"title": title, "content": content}}});
                content::webhook(MsgType::Post, &post)
            }
            None => content::webhook(MsgType::Text, &json!({"text": text})),
        };
        called.post(call, parsed.map_err(hooks::refusal)?).await?;
        Ok(Empty {})
    }
}

const VERSION_1: Behaviour = Behaviour {
    name: "hook_version_1",
    rule: "A text alone is a message of type text; with a title it is one of type post. Security and answers are those of version 2; no text is 19002.",
    basis: Assumed,
    switch: false,
};
