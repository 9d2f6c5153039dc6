use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::images::avatar_url;
use crate::translate;
use crate::{Call, Empty, Input, Operation};

pub(crate) mod post;

/// `GET /bot/v3/info`
pub(crate) struct Info;

/// The app's bot.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The bot.
    bot: BotInfo,
}

/// A bot.
#[derive(Debug, Serialize, JsonSchema)]
struct BotInfo {
    /// 2: enabled; 0: the app has no bot.
    activate_status: u8,
    /// Name.
    app_name: String,
    /// URL of its picture.
    avatar_url: String,
    /// IP addresses that it may call from; empty means any.
    ip_white_list: Vec<String>,
    /// Its open_id, as seen by the app itself.
    open_id: String,
}

impl Operation for Info {
    const SPEC: &'static Spec = &Spec {
        id: "bot.v3.info",
        summary: "Get the app's bot",
        reference: "bot-v3/bot/get",
        route: get("/open-apis/bot/v3/info"),
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
        behaviours: &[WITHOUT],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        Ok(answer(tx, call))
    }
}

/// The bot of the calling app.
pub(crate) fn answer(tx: &Tx, call: &Call) -> Output {
    Output {
        bot: BotInfo {
            activate_status: if call.app.bot { 2 } else { 0 },
            app_name: call.app.name.clone(),
            avatar_url: avatar_url(""),
            ip_white_list: Vec::new(),
            open_id: translate::bot_open_id(&tx.engine().keys, call.app_id()).to_string(),
        },
    }
}

pub(crate) const WITHOUT: Behaviour = Behaviour {
    name: "bot_info_without_bot",
    rule: "For an app without the bot ability, activate_status is 0.",
    basis: Assumed,
    switch: false,
};
