//! `im.message.message_read_v1`: a user read messages that a bot sent to the user.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::Chat;
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Ids, Recipient, chat};
use crate::entry::schema;

struct Read<'a> {
    messages: &'a [i64],
    reader: &'a User,
    at: i64,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    message_id_list: Vec<String>,
    reader: Reader,
}

#[derive(Serialize, JsonSchema)]
struct Reader {
    read_time: String,
    reader_id: Ids,
    tenant_key: String,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

impl Event for Read<'_> {
    const TYPE: &'static EventType = &events::MESSAGE_READ;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        let id = |number: &i64| to.keys.message_id(*number, to.tenant).to_string();
        Told {
            message_id_list: self.messages.iter().map(id).collect(),
            reader: Reader {
                read_time: self.at.to_string(),
                reader_id: to.user(self.reader.user_no.cast_unsigned(), &self.reader.user_id),
                tenant_key: to.tenant.to_string(),
            },
        }
    }
}

/// Tells the bot of a p2p chat that the user has read these messages of it, by number. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(
    tx: &mut Tx,
    place: &Chat,
    reader: &User,
    messages: &[i64],
    now: i64,
) -> Result<(), StoreError> {
    let listeners = chat::listeners_in(tx, Read::TYPE, place).await?;
    super::emit(tx, &Read { messages, reader, at: now }, &listeners, now).await
}
