//! What people do with the tabs of a chat at their clients.

use larkspur_api::standing::{Role, Standing, in_use, is_inside};
use larkspur_api::{RootCall, rules};
use larkspur_contract::Fault;
use larkspur_store::chats::Member;
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

/// Locks a chat for someone who changes its tabs: the same checks as of the platform's operations.
pub(super) async fn enter(
    root: &mut Root,
    call: &RootCall,
    path: (&str, &str),
    user_id: &str,
) -> Result<Board, Fault> {
    let (tenant_key, chat_id) = path;
    let (mut tx, _) = support::lock(root, call, tenant_key).await?;
    let user = support::actor(&mut tx, user_id).await?;
    let chat = support::lock_chat(&mut tx, chat_id).await?;
    in_use(&chat)?;
    let who = Member::User(user.user_id);
    let membership = members::get(&mut tx, chat.chat_id, &who).await?;
    let role = Role::of(&chat, &who, membership.map(|found| found.manager));
    let standing = Standing { role, creator: false };
    is_inside(&who, &standing)?;
    rules::tabs::mode_has_tabs(&chat)?;
    rules::widgets::may_manage(&chat, &standing)?;
    let present = tabs::list(&mut tx, chat.chat_id).await?;
    Ok(Board { tx, chat, who, present })
}
