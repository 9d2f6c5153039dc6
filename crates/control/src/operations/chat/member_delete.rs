use larkspur_api::events::chat_updated::{self, Speakers};
use larkspur_api::events::{Party, chat_member_bot_deleted, chat_member_user_deleted};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, delete, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{LockedChat, Root, Tx, chats, members};

use super::client::{self, ClientQuery};
use super::{MemberPath, Shown, leaving};
use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/chats/:chat_id/members/:member`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.member_delete",
        summary: "Remove a member from a chat; if it is the owner, the chat has no owner then",
        route: delete("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/members/{member}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::USER_DELETED, &events::BOT_DELETED, &events::CHAT_UPDATED],
        example: "",
        behaviours: &[client::AS, HEIR],
        ..CONTROL
    };
    type Ground = Root;
    type Path = MemberPath;
    type Query = ClientQuery;
    type Body = Empty;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let id = &input.path.member;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let locked = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        let member = Member::parse(id);
        let actor = support::actor_or_none(&mut tx, &locked, input.query.r#as.as_deref()).await?;
        let chat = match &actor {
            Some(_) => leaving::leave(&mut tx, &locked, &member).await?,
            None => remove(&mut tx, &locked, &member).await?,
        };
        let Some(chat) = chat else { return Err(support::not_found("member", id, "not in the chat")) };
        super::parties::check(&mut tx, &locked).await?;
        if let Some(actor) = &actor {
            let (gone, operator) = (std::slice::from_ref(&member), Party::from(actor));
            chat_member_user_deleted::emit(&mut tx, &chat, gone, &operator, now).await?;
            chat_member_bot_deleted::emit(&mut tx, &chat, gone, &operator, now).await?;
            chat_updated::emit(&mut tx, (&locked, &chat), &Speakers::default(), &operator, now).await?;
        }
        super::show(&mut tx, chat).await
    }
}

/// Takes a member out of a chat and changes nothing else; `None` if it was no member.
async fn remove(tx: &mut Tx, locked: &LockedChat, member: &Member) -> Result<Option<Chat>, Fault> {
    if !members::remove(tx, locked, member).await? {
        return Ok(None);
    }
    let mut chat = Chat::clone(locked);
    if chat.owner.as_ref() == Some(member) {
        chat.owner = None;
        chats::update(tx, locked, &chat).await?;
    }
    Ok(Some(chat))
}

const HEIR: Behaviour = Behaviour {
    name: "control_owner_leaves",
    rule: "If the owner leaves with `as`, the chat goes to the user who joined first, otherwise to the bot that joined first, and apps are told of both: first that the owner left, then of the new owner. A chat that is empty then is dissolved without an event.",
    basis: Assumed,
    switch: false,
};
