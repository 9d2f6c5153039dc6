use larkspur_contract::Basis::Observed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Call, Empty, Input, Operation, translate};

/// `POST /bot/v1/openclaw_bot/ping`
pub(crate) struct Ping;

/// Options of the answer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Whether the answer names the bot; false by default.
    #[serde(rename = "needBotInfo", default)]
    need_bot_info: bool,
}

/// The app's bot, if requested.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The bot.
    #[serde(rename = "pingBotInfo", skip_serializing_if = "Option::is_none")]
    ping_bot_info: Option<PingBotInfo>,
}

/// A bot.
#[derive(Debug, Serialize, JsonSchema)]
struct PingBotInfo {
    /// Its open_id, as seen by the app itself.
    #[serde(rename = "botID")]
    bot_id: String,
    /// Its name.
    #[serde(rename = "botName")]
    bot_name: String,
}

impl Operation for Ping {
    const SPEC: &'static Spec = &Spec {
        id: "bot.v1.openclaw_bot.ping",
        summary: "Check that the app can make calls, and get its bot",
        reference: "bot-v1/openclaw_bot/ping",
        route: post("/open-apis/bot/v1/openclaw_bot/ping"),
        access: Access::tenant(&[]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[],
        recodes: &[],
        emits: &[],
        example: r#"{"needBotInfo":true}"#,
        behaviours: &[SHAPE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let info = || PingBotInfo {
            bot_id: translate::bot_open_id(&tx.engine().keys, call.app_id()).to_string(),
            bot_name: call.app.name.clone(),
        };
        Ok(Output { ping_bot_info: input.body.need_bot_info.then(info) })
    }
}

const SHAPE: Behaviour = Behaviour {
    name: "openclaw_ping",
    rule: "This operation has no public page: request and answer are those of the vendor's agent plugin. Without needBotInfo, data is empty. Refusals, and the answer for an app without a bot, are those of bot/v3/info.",
    basis: Observed,
    switch: false,
};
