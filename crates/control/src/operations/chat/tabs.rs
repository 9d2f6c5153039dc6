//! What people do with the tabs of a chat at their clients.

use larkspur_api::RootCall;
use larkspur_api::standing::{Role, Standing, in_use, is_inside, join};
use larkspur_api::tabs::managed;
use larkspur_contract::Fault;
use larkspur_store::chats::{self, Member};
use larkspur_store::{LockedChat, Root, Tx, members, tabs};
use schemars::JsonSchema;
use serde::Serialize;

use super::ShownTab;
use crate::support;

/// The tabs of a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tabs {
    /// All of them, in their order.
    tabs: Vec<ShownTab>,
}

impl Tabs {
    pub(super) fn of(tabs: Vec<tabs::Tab>) -> Self {
        Tabs { tabs: tabs.into_iter().map(ShownTab::of).collect() }
    }
}

/// A chat whose tabs someone changes.
pub(super) struct Board {
    pub(super) tx: Tx,
    pub(super) chat: LockedChat,
    /// Who changes them.
    pub(super) who: Member,
    /// The tabs that the chat has, in their order.
    pub(super) present: Vec<tabs::Tab>,
}

/// Locks a chat for someone who changes its tabs: what the platform's operations check and do, for a person.
pub(super) async fn enter(
    root: &mut Root,
    call: &RootCall,
    path: (&str, &str),
    user_id: &str,
) -> Result<Board, Fault> {
    let (tenant_key, chat_id) = path;
    let (mut tx, now) = support::lock(root, call, tenant_key).await?;
    let user = support::actor(&mut tx, user_id).await?;
    let chat = support::lock_chat(&mut tx, chat_id).await?;
    chats::touch(&mut tx, &chat, now);
    in_use(&chat)?;
    let who = Member::User(user.user_id);
    let membership = members::get(&mut tx, chat.chat_id, &who).await?;
    let role = Role::of(&chat, &who, membership.map(|found| found.manager));
    let standing = Standing { role, creator: false };
    is_inside(&who, &standing).map_err(|fault| fault.with_fix(join(&chat, &who)))?;
    let present = managed(&mut tx, &chat, &standing).await?;
    Ok(Board { tx, chat, who, present })
}
