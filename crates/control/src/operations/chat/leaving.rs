//! What happens to a chat when one of its members leaves it.

use larkspur_contract::Fault;
use larkspur_contract::model::{ChatMode, ChatStatus};
use larkspur_store::chats::{self, Chat, Member};
use larkspur_store::{LockedChat, Tx, members};

/// Takes a member out of a chat. A chat that it owned goes to the user who joined first, otherwise to the bot that joined
/// first. A chat that is then empty, and every p2p chat, is dissolved. Returns the chat as it is then; `None` if it was no
/// member.
pub(crate) async fn leave(tx: &mut Tx, chat: &LockedChat, member: &Member) -> Result<Option<Chat>, Fault> {
    if !members::remove(tx, chat, member).await? {
        return Ok(None);
    }
    let left = members::all(tx, chat.chat_id).await?;
    let mut new = Chat::clone(chat);
    if chat.owner.as_ref() == Some(member) {
        let is_user = |one: &&members::Membership| matches!(one.member, Member::User(_));
        let heir = left.iter().find(is_user).or(left.first()).map(|one| one.member.clone());
        if let Some(heir) = &heir {
            // The owner is not in the list of managers.
            members::set_manager(tx, chat, heir, false).await?;
        }
        new.owner = heir;
    }
    if chat.status == ChatStatus::Normal && (left.is_empty() || chat.mode == ChatMode::P2p) {
        new.status = ChatStatus::Dissolved;
    }
    if new != **chat {
        chats::update(tx, chat, &new).await?;
    }
    Ok(Some(new))
}
