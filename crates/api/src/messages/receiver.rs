//! The chat that a receive_id stands for.

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::model::{ReceiveIdType, UserIdType, UserStatus};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::{Member, Place};
use larkspur_store::messages::Sender;
use larkspur_store::users::{self, Contact, User};
use larkspur_store::{Tx, apps, parties, tenants};

use super::standing::{self, Act, resigned, unavailable};
use super::{Speaker, invalid_field};
use crate::people::People;
use crate::translate::{self, Named};
use crate::{Call, p2p};

/// The form of a user's id in `receive_id`; `None` for a mail address or a chat.
pub fn form(kind: ReceiveIdType) -> Option<UserIdType> {
    match kind {
        ReceiveIdType::OpenId => Some(UserIdType::OpenId),
        ReceiveIdType::UserId => Some(UserIdType::UserId),
        ReceiveIdType::UnionId => Some(UserIdType::UnionId),
        ReceiveIdType::Email | ReceiveIdType::ChatId => None,
    }
}

/// The ids that the gateway translates.
pub fn people(kind: ReceiveIdType, receive_id: &String) -> Option<People<'_>> {
    form(kind).map(|form| People::new(Some(form), "receive_id", [receive_id]))
}

/// The chat to send to; the p2p chat of a user is made if there is none.
///
/// # Errors
/// 230001 for an unknown chat or mail address, 9999235x for an unknown user, 230013 for a bot or a user who does not see the
/// app, 230029 for a user who left, and those of [`standing::enter`].
pub async fn chat(
    tx: &mut Tx,
    call: &Call,
    speaker: &Speaker,
    kind: ReceiveIdType,
    receive_id: &str,
) -> Result<Place, Fault> {
    let chat_id = match kind {
        ReceiveIdType::ChatId => ChatId::parse(receive_id),
        ReceiveIdType::Email => {
            let found = users::by_contact(tx, Contact::Email, &[receive_id.to_owned()]).await?;
            match found.into_iter().next() {
                Some(user) => Some(with_user(tx, speaker, &user).await?),
                None => None,
            }
        }
        _ => Some(of_id(tx, call, speaker, kind, receive_id).await?),
    };
    let place = match chat_id {
        Some(chat_id) => standing::enter(tx, speaker, chat_id, Act::Send).await?,
        None => None,
    };
    place.ok_or_else(|| invalid_field("receive_id", receive_id))
}

async fn of_id(
    tx: &mut Tx,
    call: &Call,
    speaker: &Speaker,
    kind: ReceiveIdType,
    receive_id: &str,
) -> Result<ChatId, Fault> {
    let form = translate::form_of(call, "receive_id_type", form(kind), codes::FIELD_VALIDATION)?;
    match translate::named(tx, call, form, receive_id).await? {
        Named::User(user) => with_user(tx, speaker, &user).await,
        Named::Bot(bot) => with_bot(tx, speaker, bot).await,
        other => Err(translate::refusal(form, receive_id, &other).about("receive_id")),
    }
}

/// The p2p chat of the speaker and a user.
pub async fn with_user(tx: &mut Tx, speaker: &Speaker, user: &User) -> Result<ChatId, Fault> {
    if user.status == UserStatus::Resigned {
        return Err(resigned(&user.user_id));
    }
    if let Some(app) = speaker.app.as_ref().filter(|_| speaker.is_bot())
        && !apps::is_visible_to(tx, app, &user.user_id).await?
    {
        return Err(unavailable(speaker, &user.user_id));
    }
    let (me, other) = (speaker.member(), Member::User(user.user_id.clone()));
    if me == other {
        return Err(invalid_field("receive_id", &user.user_id));
    }
    if let Some(found) = between(tx, &me, &other).await? {
        return Ok(found);
    }
    // The first message of two parties makes their chat, one after the other.
    tenants::lock(tx).await?;
    Ok(match &speaker.sender {
        Sender::Bot(bot) | Sender::Hook(bot) => {
            p2p::open(tx, user, *bot, &speaker.party(), speaker.now).await?
        }
        Sender::User { .. } => p2p::open_people(tx, &[me, other], speaker.now).await?,
    })
}

/// The p2p chat of a person and a bot. Bots have none with each other.
pub async fn with_bot(tx: &mut Tx, speaker: &Speaker, bot: AppId) -> Result<ChatId, Fault> {
    let me = speaker.member();
    let install = apps::install(tx, bot).await?.filter(|install| install.bot);
    let (Some(user_id), Some(install)) = (me.user_id(), install) else {
        return Err(unavailable(speaker, "a bot"));
    };
    if !apps::is_visible_to(tx, &install, user_id).await? {
        return Err(unavailable(speaker, user_id));
    }
    if let Some(found) = between(tx, &me, &Member::Bot(bot)).await? {
        return Ok(found);
    }
    tenants::lock(tx).await?;
    let user = users::by_id(tx, user_id).await?.ok_or_else(|| resigned(user_id))?;
    Ok(p2p::open(tx, &user, bot, &speaker.party(), speaker.now).await?)
}

async fn between(tx: &mut Tx, me: &Member, other: &Member) -> Result<Option<ChatId>, Fault> {
    let found = parties::between(tx, me, std::slice::from_ref(other)).await?;
    Ok(found.get(other).copied())
}
