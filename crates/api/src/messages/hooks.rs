//! Messages of custom bots, which post to their chat through a URL.

use std::collections::HashMap;
use std::net::IpAddr;

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::ids::{ChatId, HookToken, OpenId};
use larkspur_contract::model::{ChatStatus, MsgType};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::chats::{self, Member};
use larkspur_store::hooks::{self, Hook};
use larkspur_store::tenants::Tenant;
use larkspur_store::users::{self, User};
use larkspur_store::{Root, Tx, members, tenants};
use serde_json::Value;

use super::{Speaker, building, sending};
use crate::RootCall;
use crate::rules::content::{self, Malformed, Mentioned, Parsed};
use crate::rules::hooks as rules;
use crate::translate::Named;

/// A custom bot that was called, and its world.
pub struct Called {
    /// The transaction in its tenant.
    pub tx: Tx,
    /// The bot.
    pub hook: Hook,
    /// Its world.
    world: Tenant,
}

/// Finds the custom bot of a token, and reads the body that was sent to it.
///
/// # Errors
/// 19001 for an unknown token; then 9499 for a body that is too long or not a JSON object.
pub async fn call(root: &mut Root, token: &str, body: Option<&[u8]>) -> Result<(Called, Value), Fault> {
    let unknown = || Fault::new(codes::HOOK_TOKEN_INVALID, "no custom bot has this token");
    let keys = &root.engine().keys;
    let (number, tenant) =
        HookToken::parse(token).and_then(|token| keys.read_hook_token(token)).ok_or_else(unknown)?;
    let mut tx = root.tenant(tenant);
    let world = tenants::get(&mut tx).await?.ok_or_else(unknown)?;
    let hook = hooks::get(&mut tx, number).await?.ok_or_else(unknown)?;
    let body = body.unwrap_or_default();
    if body.len() > rules::BODY_MAX {
        return Err(Fault::new(codes::BAD_REQUEST, format!("the body has {} bytes", body.len())));
    }
    let read = serde_json::from_slice::<Value>(body)
        .map_err(|error| Fault::new(codes::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
    if !read.is_object() {
        return Err(Fault::new(codes::BAD_REQUEST, "the body is not a JSON object"));
    }
    Ok((Called { tx, hook, world: Tenant::clone(&world) }, read))
}

impl Called {
    /// Whether the caller may post: its signature, then its address.
    ///
    /// # Errors
    /// 19021 and 19022.
    pub fn admit(&self, call: &RootCall, body: &Value) -> Result<(), Fault> {
        if !self.hook.secret.is_empty() {
            let secret = call.engine.keys.open(&self.hook.secret);
            let secret = secret.ok_or_else(|| Fault::new(codes::INTERNAL, "the secret cannot be read"))?;
            if !rules::is_signed(body, &secret, call.now) {
                return Err(Fault::new(codes::HOOK_SIGN_INVALID, "the signature is missing, wrong or old"));
            }
        }
        if !rules::admits(&self.hook.addresses, call.address) {
            let from = call.address.as_ref().map_or_else(|| "unknown".to_owned(), IpAddr::to_string);
            return Err(Fault::new(codes::HOOK_ADDRESS_NOT_ALLOWED, format!("the call comes from {from}")));
        }
        Ok(())
    }

    /// Posts what was read of a body, if it contains a keyword; other members of the body do not count.
    ///
    /// # Errors
    /// 19024; 11246 for a card, 19002 for other content, 19036 and 230051; 19001 if the chat was dissolved.
    pub async fn post(mut self, call: &RootCall, parsed: Parsed) -> Result<(), Fault> {
        if !rules::has_keyword(&parsed, &self.hook.keywords) {
            return Err(Fault::new(codes::HOOK_KEYWORDS_NOT_FOUND, "the message has none of the keywords"));
        }
        let now = call.now.saturating_add(self.world.clock_offset_ms);
        let speaker = Speaker::hook(self.hook.shown_as, self.world.policy.clone(), now);
        let place = chats::place(&mut self.tx, self.hook.chat_id, &Member::Bot(self.hook.shown_as)).await?;
        let gone = || Fault::new(codes::HOOK_TOKEN_INVALID, "the chat was dissolved");
        let place = place.ok_or_else(gone)?;
        let kind = parsed.kind();
        let built = building::finish(&mut self.tx, &speaker, &place, parsed).await?;
        if place.chat.status != ChatStatus::Normal {
            return Err(gone());
        }
        sending::post(&mut self.tx, &speaker, &place, (kind, built), None).await?;
        Ok(())
    }
}

/// Refuses a body whose content is a string, before anything else is checked: 9499. Source: observed.
pub fn is_typed(body: &Value) -> Result<(), Fault> {
    match body.get("content") {
        Some(Value::String(_)) => Err(refusal(Malformed::Text)),
        _ => Ok(()),
    }
}

/// Reads the content that a body names: by `msg_type`, `content` and `card`.
///
/// # Errors
/// 19002 for content in the wrong form, 19036 for content that is too long.
pub fn content(body: &Value) -> Result<Parsed, Fault> {
    let none = Value::Null;
    let content = body.get("content").unwrap_or(&none);
    let kind = body.get("msg_type").and_then(Value::as_str).and_then(MsgType::parse);
    let kind = kind.ok_or_else(|| refusal(Malformed::Kind))?;
    let part = if kind == MsgType::Interactive { body.get("card").unwrap_or(&none) } else { content };
    content::webhook(kind, part).map_err(refusal)
}

/// The refusal of content in the wrong form.
pub fn refusal(why: Malformed) -> Fault {
    let (code, note) = match why {
        Malformed::Kind => (codes::HOOK_TYPE_MISSING, "msg_type is missing or unknown"),
        Malformed::Text => (codes::BAD_REQUEST, "content is a string, not an object"),
        Malformed::Content => (codes::HOOK_CONTENT_UNKNOWN, "content is not that of its msg_type"),
        Malformed::Card => (codes::HOOK_CARD_UNKNOWN, "card is missing or not a card"),
        Malformed::TooLong => (codes::HOOK_TOO_LONG, "the content has more than 30 KB"),
    };
    Fault::new(code, note)
}

/// The codes of a custom bot in place of those of messages.
pub const RECODES: &[(Code, Code)] = &[
    (codes::MESSAGE_INVALID, codes::HOOK_CONTENT_UNKNOWN),
    (codes::FILE_TYPE_MISMATCH, codes::HOOK_CONTENT_UNKNOWN),
    (codes::CARD_NOT_CREATED, codes::HOOK_CARD_REFUSED),
    (codes::MESSAGE_TOO_LONG, codes::HOOK_TOO_LONG),
    (codes::MESSAGE_SENSITIVE, codes::HOOK_SENSITIVE),
];

/// Those whom ids in a custom bot's content name: members of its chat, by user_id or by the open_id that any app of the
/// tenant knows. Others appear under the name that the content gives them.
pub(super) async fn people(
    tx: &mut Tx,
    chat: ChatId,
    ids: &[&str],
) -> Result<HashMap<String, Mentioned>, Fault> {
    let mut found: Vec<(String, User)> = Vec::new();
    for (id, named) in building::by_open_ids(tx, ids).await? {
        if let Named::User(user) = named {
            found.push((id.to_owned(), user));
        }
    }
    let rest = ids.iter().copied().filter(|id| OpenId::parse(id).is_none());
    for user in users::by_ids(tx, rest).await? {
        found.push((user.user_id.clone(), user));
    }
    let asked: Vec<Member> = found.iter().map(|(_, user)| Member::User(user.user_id.clone())).collect();
    let present = members::among(tx, chat, &asked).await?;
    let inside = |user: &User| present.contains(&Member::User(user.user_id.clone()));
    let inside = found.into_iter().filter(|(_, user)| inside(user));
    Ok(inside.map(|(id, user)| (id, building::person(user))).collect())
}

/// What a custom bot checks, and in which order.
pub const ORDER: Behaviour = Behaviour {
    name: "hook_check_order",
    rule: "Order of checks: rate limit, token, size and JSON of the body, signature, address, msg_type and content, keywords, card and what the content names, chat. A dissolved chat is 19001.",
    basis: Assumed,
    switch: false,
};
/// By which clock signatures are checked.
pub const CLOCK: Behaviour = Behaviour {
    name: "hook_timestamp",
    rule: "The timestamp of a signature is compared with the real time, also in a world whose clock was moved.",
    basis: Assumed,
    switch: false,
};
/// Where a call comes from.
pub const ADDRESSES: Behaviour = Behaviour {
    name: "hook_addresses",
    rule: "A call comes from the address of its connection, or, if that is this machine, from the last address in X-Forwarded-For. Behind a proxy on another machine, the list has to name the proxy. IPv6 addresses are in no list.",
    basis: Assumed,
    switch: false,
};
/// The limit of calls.
pub const LIMIT: Behaviour = Behaviour {
    name: "hook_limit",
    rule: "100 calls per minute and 5 per second for each custom bot and version of the URL, by the real time; more are 11232, before anything else is checked. The chat's limit of messages per second does not apply.",
    basis: Documented,
    switch: false,
};
/// What a message looks like.
pub const SENDER: Behaviour = Behaviour {
    name: "hook_sender",
    rule: "A custom bot's messages have the sender_type app and an id of the form cli_…, always the same for a bot; no app has it. They cause no im.message.receive_v1. It may mention all also where only the owner may.",
    basis: Assumed,
    switch: false,
};
/// What content is accepted.
pub const CONTENT: Behaviour = Behaviour {
    name: "hook_content",
    rule: "Images of any app of the tenant may be sent, and the bot's own chat shared; another key or chat is 19002. A forbidden word of the world's settings is 230051. A card may be a string. Members of a body that are not used are ignored.",
    basis: Observed,
    switch: false,
};
