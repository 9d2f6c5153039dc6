//! The chat of a user and a bot or of two users, which either of them may begin.

use larkspur_contract::ids::{AppId, ChatId, TabId};
use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatStatus, ChatType, GroupMessageType, I18nNames, Permission,
};
use larkspur_store::chats::{self, Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx, members, parties, tabs};

use crate::events::{Party, p2p_chat_create};

/// The chat of a user and a bot. The first time it is made, and the bot is told so; `operator` is who begins it. `now` is the
/// tenant's time. Two callers must not do it for one pair at once.
///
/// # Errors
/// The store is unavailable.
pub async fn open(
    tx: &mut Tx,
    user: &User,
    bot: AppId,
    operator: &Party,
    now: i64,
) -> Result<ChatId, StoreError> {
    let both = [Member::User(user.user_id.clone()), Member::Bot(bot)];
    let found = parties::between(tx, &both[0], &both[1..]).await?;
    if let Some(chat_id) = found.get(&both[1]) {
        return Ok(*chat_id);
    }
    let chat_id = add(tx, &both, now).await?;
    p2p_chat_create::emit(tx, bot, chat_id, user, operator, now).await?;
    Ok(chat_id)
}

/// The chat of two users, made the first time. No app is told. Two callers must not do it for one pair at once.
///
/// # Errors
/// The store is unavailable.
pub async fn open_people(tx: &mut Tx, both: &[Member; 2], now: i64) -> Result<ChatId, StoreError> {
    let found = parties::between(tx, &both[0], &both[1..]).await?;
    match found.get(&both[1]) {
        Some(chat_id) => Ok(*chat_id),
        None => add(tx, both, now).await,
    }
}

async fn add(tx: &mut Tx, both: &[Member; 2], now: i64) -> Result<ChatId, StoreError> {
    let chat = chats::insert(tx, of_two(ChatId(tx.random_id())), now).await?;
    members::add_all(tx, &chat, both, false, now).await?;
    let message = tabs::Tab::message(TabId(tx.next_id()));
    tabs::insert(tx, &chat, &message).await?;
    Ok(chat.chat_id)
}

fn of_two(chat_id: ChatId) -> Chat {
    Chat {
        chat_id,
        mode: ChatMode::P2p,
        chat_type: ChatType::Private,
        tag: "inner".to_owned(),
        status: ChatStatus::Normal,
        external: false,
        name: String::new(),
        description: String::new(),
        i18n_names: I18nNames::default(),
        avatar: String::new(),
        owner: None,
        creator_app: None,
        group_message_type: GroupMessageType::Chat,
        settings: ChatSettings::default(),
        manage_widgets: Permission::AllMembers,
        conditions: Vec::new(),
        user_count: 0,
        bot_count: 0,
    }
}
