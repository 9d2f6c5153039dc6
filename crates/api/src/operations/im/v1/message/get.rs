use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::{CardContentType, MsgType, UserIdType};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::{Tx, messages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Items, MessagePath};
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, Viewer, changing, conditions, finding, forwarding, invalid_field, shown};
use crate::rules::card;
use crate::settings::WithdrawnGet;
use crate::translate;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/messages/:message_id`
pub(super) struct Get;

/// The form of ids and of cards.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// The form of a card; simplified by default.
    card_msg_content_type: Option<CardContentType>,
    /// Whether senders have their names.
    with_sender_name: Option<bool>,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.get",
        summary: "Get a message",
        reference: "im-v1/message/get",
        route: get("/open-apis/im/v1/messages/{message_id}"),
        access: Access::tenant_or_user(&[scopes::IM_MESSAGE, scopes::IM_MESSAGE_READONLY]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_WITHDRAWN,
            codes::USER_NOT_AVAILABLE,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_DELETED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: "user_id_type=open_id",
        behaviours: &[
            conditions::CONDITIONS,
            standing::ORDER,
            standing::READING,
            finding::UNKNOWN,
            WITHDRAWN_GET,
            shown::OBJECT,
            shown::POSITIONS,
            card::SHOWN,
            PARTS,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Query;
    type Body = Empty;
    type Output = Items;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Items, Fault> {
        let (query, message_id) = (&input.query, &input.path.message_id);
        translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::message(tx, message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Read).await?;
        let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
        if message.upper != 0 {
            return Err(standing::outside(&speaker));
        }
        standing::may_read(call, &place.chat)?;
        conditions::sees(tx, &speaker, &place, &message, codes::MESSAGE_INVISIBLE).await?;
        if message.recalled.is_some() {
            match call.settings.withdrawn_get {
                WithdrawnGet::Deleted => {}
                WithdrawnGet::Code230011 => changing::stands(&message)?,
                WithdrawnGet::Empty => return Ok(Items { items: Vec::new() }),
            }
        }
        let bundle = (message.msg_type == MsgType::MergeForward && message.recalled.is_none())
            .then_some(message.number);
        let mut found = vec![message];
        if let Some(bundle) = bundle {
            found.extend(messages::parts(tx, bundle, forwarding::PARTS_MAX).await?);
        }
        let viewer = Viewer::of(call, query.user_id_type, query.card_msg_content_type);
        let viewer = viewer.with_names(query.with_sender_name == Some(true));
        Ok(Items { items: shown::show_all(tx, &viewer, found).await? })
    }
}

const WITHDRAWN_GET: Behaviour = Behaviour {
    name: "withdrawn_get",
    rule: "A recalled message is still read, with deleted true and the content This message was recalled, as in lists. The setting answers 230011 or no items instead, both of which were seen live.",
    basis: Observed,
    switch: true,
};
const PARTS: Behaviour = Behaviour {
    name: "message_parts",
    rule: "A forwarded bundle is followed by all of its parts, those of bundles in it included, at most 1000. A part has no own access: its id is 230002.",
    basis: Assumed,
    switch: false,
};
