use std::collections::BTreeMap;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::users::User;
use larkspur_store::{Tx, cards, messages, own_cards};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cards::{OWNERS_MAX, PERSONAL, TOKEN_USES, is_personal};
use crate::messages::building;
use crate::rules::card::{self, Card};
use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation};

/// The most bytes of the new card's JSON. Source: the page, for the card after its conversion.
const CONTENT_MAX: usize = 100 * 1024;

/// `POST /interactive/v1/card/update`
pub(crate) struct Update;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The token of the callback.
    token: Option<String>,
    /// The new card or template, with `open_ids` if each person has a card of their own.
    card: Option<Value>,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "interactive.v1.card.update",
        summary: "Replace a card after a click on it",
        reference: "message-card/update",
        route: post("/open-apis/interactive/v1/card/update"),
        access: Access::tenant(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_SEND_AS_BOT,
            scopes::IM_MESSAGE_UPDATE,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Flat("ok"),
        invalid: codes::UPDATED_CARD_MISSING,
        codes: &[
            codes::UPDATED_CARD_INVALID,
            codes::UPDATED_CARD_MISSING,
            codes::UPDATED_CARD_TOO_LARGE,
            codes::UPDATED_CARD_NOT_JSON,
            codes::UPDATED_CARD_RECALLED,
            codes::UPDATED_CARD_NOT_OWN,
            codes::UPDATED_CARD_OPEN_IDS,
            codes::CARD_TOKEN_MALFORMED,
            codes::CARD_TOKEN_ENDED,
            codes::CARD_TOKEN_SPENT,
            codes::UPDATED_CARD_NEEDS_OPEN_IDS,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"token":"c-295ee57216a5dc9de90fefd0aadb4b1d7d5b94de","card":{"elements":[]}}"#,
        behaviours: &[STATUS, CHECKED, PERSONAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let token = input.body.token.as_deref().unwrap_or_default();
        if !is_token(token) {
            return Err(Fault::new(codes::CARD_TOKEN_MALFORMED, "a token is c- and hexadecimal digits"));
        }
        let (content, new, open_ids) = read(input.body.card.as_ref())?;
        let found = cards::lock_token(tx, token).await?.filter(|found| found.expires_at > call.now);
        let Some(found) = found else {
            return Err(Fault::new(
                codes::CARD_TOKEN_ENDED,
                "the token is unknown, or older than 30 minutes",
            ));
        };
        if found.is_pending() {
            let early =
                "the callback of the token was not acknowledged yet: answer it before you use its token";
            return Err(input.asking.pause(Fault::new(codes::CARD_TOKEN_ENDED, early)));
        }
        if found.app_id != call.app_id() {
            return Err(Fault::new(codes::UPDATED_CARD_NOT_OWN, "the token is one of another app"));
        }
        if found.uses >= TOKEN_USES {
            return Err(Fault::new(codes::CARD_TOKEN_SPENT, "the token was used twice"));
        }
        let message = messages::lock(tx, found.message).await?.filter(|message| message.recalled.is_none());
        let Some(message) = message else {
            return Err(Fault::new(codes::UPDATED_CARD_RECALLED, "the message was recalled"));
        };
        let readers = readers(tx, call, !is_personal(&message), &open_ids).await?;
        if let Some(flaw) = building::flaw(tx, &call.policy, &content, &new).await? {
            return Err(Fault::new(codes::UPDATED_CARD_INVALID, flaw.to_string()));
        }
        if readers.is_empty() {
            messages::set_card(tx, message.number, &content, call.now).await?;
        }
        for reader in &readers {
            own_cards::put(tx, message.number, reader, &content, call.now).await?;
        }
        cards::use_token(tx, token).await?;
        Ok(Empty {})
    }
}

fn is_token(token: &str) -> bool {
    token.strip_prefix("c-").is_some_and(|digits| {
        (1..=64).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// The JSON of the new card, what it is, and the open_ids in it.
fn read(sent: Option<&Value>) -> Result<(String, Card, Vec<String>), Fault> {
    let mut new = match sent {
        Some(Value::Object(card)) => card.clone(),
        Some(_) => return Err(Fault::new(codes::UPDATED_CARD_NOT_JSON, "card is not an object")),
        None => return Err(Fault::new(codes::UPDATED_CARD_MISSING, "card is missing")),
    };
    let open_ids = match new.remove("open_ids") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(ids)) => ids.iter().map(|id| id.as_str().unwrap_or_default().to_owned()).collect(),
        Some(_) => return Err(Fault::new(codes::UPDATED_CARD_OPEN_IDS, "open_ids is not a list")),
    };
    let new = Value::Object(new);
    let content = new.to_string();
    if content.len() > CONTENT_MAX {
        return Err(Fault::new(
            codes::UPDATED_CARD_TOO_LARGE,
            format!("the card has {} bytes", content.len()),
        ));
    }
    match card::of(new) {
        Ok(new @ (Card::Own { .. } | Card::Template { .. })) => Ok((content, new, open_ids)),
        Ok(Card::Entity(_)) => Err(Fault::new(codes::UPDATED_CARD_INVALID, "a card entity")),
        Err(refused) => Err(Fault::new(codes::UPDATED_CARD_INVALID, refused.note().to_owned())),
    }
}

/// The users whose own cards are replaced: those of `open_ids`, each one once; none if the card is shared.
async fn readers(tx: &mut Tx, call: &Call, shared: bool, open_ids: &[String]) -> Result<Vec<User>, Fault> {
    let refused = |note: &'static str| Err(Fault::new(codes::UPDATED_CARD_OPEN_IDS, note));
    match (shared, open_ids.len()) {
        (true, 0) => return Ok(Vec::new()),
        (true, _) => {
            return refused("the card is shared by all of its readers, so open_ids has to be left out");
        }
        (false, 0) => {
            return Err(Fault::new(codes::UPDATED_CARD_NEEDS_OPEN_IDS, "each person has their own card"));
        }
        (false, OWNERS_TOO_MANY..) => return refused("open_ids has more than 200 users"),
        (false, _) => {}
    }
    let ids: Vec<&str> = open_ids.iter().map(String::as_str).collect();
    let named = translate::all_named_by(tx, &call.app, UserIdType::OpenId, &ids).await?;
    let mut users = BTreeMap::new();
    for named in named {
        let Named::User(user) = named else { return refused("an open_id names no user") };
        users.insert(user.user_no, user);
    }
    Ok(users.into_values().collect())
}

const OWNERS_TOO_MANY: usize = OWNERS_MAX + 1;

const STATUS: Behaviour = Behaviour {
    name: "card_update_status",
    rule: "Refusals have HTTP status 200 and the page's Chinese texts, as in related APIs of the same age.",
    basis: Assumed,
    switch: false,
};
const CHECKED: Behaviour = Behaviour {
    name: "card_update_check_order",
    rule: "Order of checks: form of the token (300020), card (10002, 100030, 200320, 100000, 11311), token (300030), app (200310), uses (300040), message (200000), open_ids (300090, 200320), images and forbidden words (11311). A token cannot be used until its callback was acknowledged: a call that is earlier waits for 700 ms, then it is 300030. A refused call uses no token.",
    basis: Assumed,
    switch: false,
};
