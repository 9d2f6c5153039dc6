use larkspur_api::rules::hooks::{self as rules, Network};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::AppId;
use larkspur_contract::model::{ChatMode, ChatStatus};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use larkspur_store::hooks::{self, Hook};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/chats/:chat_id/hooks`
pub(crate) struct Create;

/// The custom bot to create.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its name.
    #[schemars(length(min = 1, max = 100), extend("default" = "Custom bot"))]
    name: Option<String>,
    /// The secret that signs messages; without it they need no signature.
    #[schemars(length(min = 1, max = 100))]
    secret: Option<String>,
    /// At most 10 words, each of at most 100 characters. A message must contain one of them, in the same case. Any message
    /// by default.
    #[schemars(length(max = 10))]
    keywords: Option<Vec<String>>,
    /// At most 10 addresses that messages may come from: an IPv4 address, with `*` for any part, or a network such as
    /// `10.0.0.0/8`. Any address by default.
    #[schemars(length(max = 10))]
    addresses: Option<Vec<String>>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.hook.create",
        summary: "Add a custom bot to a group",
        route: post("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/hooks"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"name":"Alerts","keywords":["alert"]}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (body, chat_id) = (&input.body, &input.path.chat_id);
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let chat = support::lock_chat(&mut tx, chat_id).await?;
        if chat.mode == ChatMode::P2p || chat.status != ChatStatus::Normal {
            return Err(values::invalid("chat_id", Some(chat_id), "not a group, or dissolved"));
        }
        let keywords = body.keywords.clone().unwrap_or_default();
        let addresses = body.addresses.clone().unwrap_or_default();
        check("keywords", &keywords, "1 to 100 characters", |word| (1..=100).contains(&word.chars().count()))?;
        check("addresses", &addresses, "an IPv4 address, with * for any part, or a network", |entry| {
            Network::parse(entry).is_some()
        })?;
        if hooks::list(&mut tx, chat.chat_id).await?.len() >= hooks::MOST {
            return Err(values::invalid("chat_id", Some(chat_id), "the chat has 100 custom bots"));
        }
        let hook = Hook {
            hook_no: hooks::fresh_number(&tx),
            chat_id: chat.chat_id,
            name: body.name.clone().unwrap_or_else(|| "Custom bot".to_owned()),
            shown_as: AppId(tx.random_id() as u64),
            secret: body.secret.as_deref().map(|secret| call.engine.keys.seal(secret)).unwrap_or_default(),
            keywords,
            addresses,
            created_at: now,
        };
        if !hooks::insert(&mut tx, &hook).await? {
            return Err(Fault::new(codes::UNAVAILABLE, "the random number is in use; try again"));
        }
        super::show(&tx, call, hook)
    }
}

/// Checks every entry of a list, of which there may be ten.
fn check(field: &str, list: &[String], rule: &str, fits: impl Fn(&str) -> bool) -> Result<(), Fault> {
    const _: () = assert!(rules::KEYWORDS_MAX == 10 && rules::ADDRESSES_MAX == 10);
    match list.iter().find(|entry| !fits(entry)) {
        Some(wrong) => Err(values::invalid(&format!("{field}[*]"), Some(wrong), rule)),
        None => Ok(()),
    }
}
