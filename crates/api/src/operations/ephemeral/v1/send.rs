use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, UserIdType};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Fix, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::chats::Member;
use larkspur_store::ephemeral::{self, Ephemeral};
use larkspur_store::users::{self, Contact};
use larkspur_store::{Tx, members};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, building, invalid, invalid_field};
use crate::rules::card::{self, Card};
use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation};

/// `POST /ephemeral/v1/send`
pub(crate) struct Send;

/// The card, and who sees it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The group.
    chat_id: String,
    /// The person's open_id.
    open_id: Option<String>,
    /// The person's user_id.
    user_id: Option<String>,
    /// The person's email address.
    email: Option<String>,
    /// `interactive`
    msg_type: String,
    /// The card.
    card: Value,
}

/// The card that was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its id.
    message_id: String,
}

impl Operation for Send {
    const SPEC: &'static Spec = &Spec {
        id: "ephemeral.v1.send",
        summary: "Send a card that one person of a group sees",
        reference: "message-card/ephemeral/send",
        route: post("/open-apis/ephemeral/v1/send"),
        access: Access::tenant(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_SEND_AS_BOT,
            scopes::IM_MESSAGE_UPDATE,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("ok"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_TOO_LONG,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::MESSAGE_SENSITIVE,
            codes::CARD_NOT_CREATED,
            codes::CHAT_DISSOLVED,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_id":"{chat_id}","user_id":"{user_id}","msg_type":"interactive","card":{"elements":[]}}"#,
        behaviours: &[REFUSALS, UNSEEN],
        deviations: &["The limit of 40 calls per second and group is not counted."],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        bot_may(call)?;
        if body.msg_type != "interactive" {
            return Err(invalid_field("msg_type", &body.msg_type));
        }
        let speaker = Speaker::of(call);
        let place = match ChatId::parse(&body.chat_id) {
            Some(chat_id) => standing::enter(tx, &speaker, chat_id, Act::Change).await?,
            None => None,
        };
        let place = place.ok_or_else(|| invalid_field("chat_id", &body.chat_id))?;
        if place.chat.mode != ChatMode::Group {
            return Err(invalid("ephemeral cards are for group chats only"));
        }
        let user_id = receiver(tx, call, body).await?;
        if members::get(tx, place.chat.chat_id, &Member::User(user_id.clone())).await?.is_none() {
            let path = vec![("chat_id", place.chat.chat_id.to_string()), ("member", user_id.clone())];
            return Err(Fault::new(codes::MESSAGE_NOT_IN_CHAT, format!("{user_id} is not in the chat"))
                .by_rule("chat_member")
                .with_fact("user", user_id)
                .with_fix(Fix::new("larkspur.v1.chat.member_put", path, json!({}))));
        }
        let content = body.card.to_string();
        if matches!(card::check(&content), Ok(Card::Entity(_))) {
            return Err(card::entity_invalid("an entity of the card kit is not sent as an ephemeral card"));
        }
        let content = building::card(tx, &speaker, &content).await?;
        let card = Ephemeral {
            number: tx.next_id(),
            chat_id: place.chat.chat_id,
            app_id: call.app_id(),
            user_id,
            content,
            created_at: call.now,
            deleted: false,
        };
        ephemeral::insert(tx, &card).await?;
        let message_id = tx.engine().keys.message_id(card.number, tx.tenant()).to_string();
        Ok(Output { message_id })
    }
}

/// The user_id of the person who is to see the card. An empty id is ignored: SDKs send all members.
async fn receiver(tx: &mut Tx, call: &Call, body: &Body) -> Result<String, Fault> {
    let sent = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
    if let Some(id) = &sent(&body.open_id) {
        let named = translate::all_named_by(tx, &call.app, UserIdType::OpenId, &[id]).await?.pop();
        return match named {
            Some(Named::User(user)) => Ok(user.user_id),
            _ => Err(invalid_field("open_id", id)),
        };
    }
    if let Some(id) = &sent(&body.user_id) {
        let user = users::by_id(tx, id).await?;
        return user.map(|user| user.user_id).ok_or_else(|| invalid_field("user_id", id));
    }
    if let Some(email) = &sent(&body.email) {
        let found = users::by_contact(tx, Contact::Email, std::slice::from_ref(email)).await?.pop();
        return found.map(|user| user.user_id).ok_or_else(|| invalid_field("email", email));
    }
    Err(invalid("open_id, user_id and email cannot be empty at the same time"))
}

const REFUSALS: Behaviour = Behaviour {
    name: "ephemeral_refusals",
    rule: "The page lists no codes for sending: refusals are those of messages, and 230001 for an unknown chat, a chat that is not a group, and an unknown person; 230002 if the bot or the person is not in the group; 230099 for an entity of the card kit, which is sent as a message only.",
    basis: Assumed,
    switch: false,
};
const UNSEEN: Behaviour = Behaviour {
    name: "ephemeral_unseen",
    rule: "The card is in no list and cannot be read, replied to, pinned or replaced: its id is unknown to the operations of messages (99992354). Of several ids of the person, open_id counts, then user_id.",
    basis: Assumed,
    switch: false,
};
