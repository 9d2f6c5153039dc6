use std::collections::BTreeMap;

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::{InstallStatus, UserIdType};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation};

/// `GET /bot/v3/bots/basic_batch`
pub(crate) struct BasicBatch;

/// The bots.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// Their open_ids, as the calling app sees them.
    #[schemars(length(min = 1, max = 50))]
    bot_ids: Vec<String>,
}

/// The bots, by id.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The bots that were found.
    bots: BTreeMap<String, BasicBot>,
    /// The others.
    failed_bots: BTreeMap<String, Failed>,
}

/// A bot.
#[derive(Debug, Serialize, JsonSchema)]
struct BasicBot {
    /// Its id again.
    bot_id: String,
    /// Its name.
    name: String,
    /// Its name by language.
    i18n_names: Names,
}

/// The names of a bot.
#[derive(Debug, Serialize, JsonSchema)]
struct Names {
    /// In Chinese.
    zh_cn: String,
    /// In English.
    en_us: String,
}

/// Why a bot was not found.
#[derive(Debug, Serialize, JsonSchema)]
struct Failed {
    /// The code.
    code: u32,
    /// The reason.
    reason: &'static str,
}

impl Operation for BasicBatch {
    const SPEC: &'static Spec = &Spec {
        id: "bot.v3.bot.basic_batch",
        summary: "Get the names of bots",
        reference: "bot-v3/bot/basic_batch",
        route: get("/open-apis/bot/v3/bots/basic_batch"),
        access: Access::tenant(&[scopes::BOT_BASIC_INFO]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[],
        recodes: &[],
        emits: &[],
        example: "bot_ids={open_id}",
        behaviours: &[SHAPE, NAMED],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let ids: Vec<&str> = input.query.bot_ids.iter().map(String::as_str).collect();
        let named = translate::all_named(tx, call, UserIdType::OpenId, &ids).await?;
        let app = |named: &Named| match named {
            Named::Bot(app) => Some(*app),
            _ => None,
        };
        let installs = apps::installs(tx, named.iter().filter_map(app)).await?;
        let mut answer = Output { bots: BTreeMap::new(), failed_bots: BTreeMap::new() };
        for (id, named) in ids.into_iter().zip(&named) {
            let install = app(named).and_then(|app| installs.get(&app));
            match install.filter(|found| found.bot && found.status == InstallStatus::Enabled) {
                Some(found) => {
                    let name = &found.name;
                    let i18n_names = Names { zh_cn: name.clone(), en_us: name.clone() };
                    let bot = BasicBot { bot_id: id.to_owned(), name: name.clone(), i18n_names };
                    answer.bots.insert(id.to_owned(), bot);
                }
                None => {
                    let (code, reason) = codes::LISTED_BOT_NOT_FOUND;
                    let failed = Failed { code, reason };
                    answer.failed_bots.insert(id.to_owned(), failed);
                }
            }
        }
        Ok(answer)
    }
}

const SHAPE: Behaviour = Behaviour {
    name: "basic_batch_shape",
    rule: "This operation has no public page: both members of the answer are maps by id, as the vendor's plugin and command line client expect.",
    basis: Observed,
    switch: false,
};
const NAMED: Behaviour = Behaviour {
    name: "basic_batch_bots",
    rule: "failed_bots lists, with 20002, ids that are malformed or belong to a user, another app or another tenant, and bots that are not in use. An app has one name, which is used for both languages. At most 50 ids.",
    basis: Assumed,
    switch: false,
};
