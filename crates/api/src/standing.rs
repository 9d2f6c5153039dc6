//! The role of the operator in a chat, or why the chat cannot be used: computed once, in a fixed order.

use larkspur_contract::Basis::Documented;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, ChatStatus, InstallStatus};
use larkspur_contract::scopes::IM_CHAT_AS_OWNER;
use larkspur_contract::{Behaviour, Fault, Fix, codes};
use larkspur_store::chats::{self, Chat, Member};
use larkspur_store::{LockedChat, Tx, apps, members};
use serde_json::json;

use crate::{Actor, Call};

/// The role of the operator in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The owner.
    Owner,
    /// A manager.
    Manager,
    /// An ordinary member.
    Member,
    /// Not in the chat.
    Outsider,
}

impl Role {
    /// The role of one who is in the chat as a manager or not, or is not in it.
    pub fn of(chat: &Chat, who: &Member, manager: Option<bool>) -> Self {
        match manager {
            None => Role::Outsider,
            Some(_) if chat.owner.as_ref() == Some(who) => Role::Owner,
            Some(true) => Role::Manager,
            Some(false) => Role::Member,
        }
    }

    /// Its name, for explanations.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Member => "member",
            Role::Outsider => "outsider",
        }
    }
}

/// The operator in a chat.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The operator's role in the chat.
    pub role: Role,
    /// Whether the operator is the bot that created the chat and has the scope to act as its owner.
    pub creator: bool,
}

impl Standing {
    /// Whether the operator is owner or manager.
    pub fn manages(&self) -> bool {
        matches!(self.role, Role::Owner | Role::Manager)
    }

    /// Whether the operator is in the chat.
    pub fn is_member(&self) -> bool {
        self.role != Role::Outsider
    }
}

/// Reads a chat that the operator is in.
pub async fn member_of(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<(Chat, Standing), Fault> {
    let (chat, standing) = visible(tx, call, chat_id).await?;
    in_use(&chat)?;
    inside(tx, call, &chat, &standing).await?;
    Ok((chat, standing))
}

/// Locks a chat that the operator is in, for a change.
pub async fn lock_as_member(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
) -> Result<(LockedChat, Standing), Fault> {
    lock_within(tx, call, chat_id, shareable).await
}

/// Like [`lock_as_member`], to share the chat: here, too, a user's call needs no external sharing.
pub async fn lock_to_share(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<(LockedChat, Standing), Fault> {
    lock_within(tx, call, chat_id, readable).await
}

async fn lock_within(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
    external: fn(&Call, &Chat) -> Result<(), Fault>,
) -> Result<(LockedChat, Standing), Fault> {
    let chat = lock(tx, call, chat_id).await?;
    external(call, &chat)?;
    in_use(&chat)?;
    let standing = of(tx, call, &chat).await?;
    inside(tx, call, &chat, &standing).await?;
    Ok((chat, standing))
}

/// Locks a chat of the tenant for a change, whatever its state and the operator's role.
pub async fn lock(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<LockedChat, Fault> {
    let chat = match ChatId::parse(chat_id) {
        Some(id) => chats::lock(tx, id).await?,
        None => None,
    };
    let Some(chat) = chat else { return Err(absent(tx, call, chat_id).await?) };
    app_may(call)?;
    chats::touch(tx, &chat, call.now);
    Ok(chat)
}

/// Reads a chat of the tenant and the operator's role in it, whatever it is.
pub async fn visible(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<(Chat, Standing), Fault> {
    let chat = match ChatId::parse(chat_id) {
        Some(id) => chats::get(tx, id).await?,
        None => None,
    };
    let Some(chat) = chat else { return Err(absent(tx, call, chat_id).await?) };
    app_may(call)?;
    readable(call, &chat)?;
    let standing = of(tx, call, &chat).await?;
    Ok((chat, standing))
}

/// The operator's role in a chat.
pub async fn of(tx: &mut Tx, call: &Call, chat: &Chat) -> Result<Standing, Fault> {
    let operator = call.operator();
    let membership = members::get(tx, chat.chat_id, &operator).await?;
    let role = Role::of(chat, &operator, membership.map(|membership| membership.manager));
    let creator = matches!(call.actor, Actor::Bot)
        && chat.creator_app == Some(call.app_id())
        && call.app.scopes.has(IM_CHAT_AS_OWNER);
    Ok(Standing { role, creator })
}

/// The prerequisites of the app: it has the bot ability and is in use. Source: every group page.
pub fn app_may(call: &Call) -> Result<(), Fault> {
    if !call.app.bot {
        return Err(Fault::new(codes::BOT_NOT_ACTIVATED, "the app has no bot; enable its bot ability")
            .by_rule("bot_ability")
            .with_fact("bot", "false")
            .with_fix(set_app(call, json!({"bot": true}))));
    }
    if call.app.status != InstallStatus::Enabled {
        return Err(Fault::new(
            codes::APP_UNAVAILABLE,
            format!("the app is {} in this tenant", call.app.status.as_str()),
        )
        .by_rule("app_status")
        .with_fact("status", call.app.status.as_str())
        .with_fix(set_app(call, json!({"status": "enabled"}))));
    }
    Ok(())
}

/// The refusal of a chat that is not in the tenant: 232010 if it is in another one, otherwise 232006.
pub async fn absent(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<Fault, Fault> {
    let Some(id) = ChatId::parse(chat_id) else {
        return Ok(Fault::new(codes::CHAT_ID_INVALID, "the chat_id is malformed")
            .by_rule("chat_exists")
            .with_fact("form", "oc_ and 32 hex digits"));
    };
    if chats::is_elsewhere(tx, id).await? {
        app_may(call)?;
        return Ok(Fault::new(codes::TENANT_MISMATCH, "the chat is in another tenant")
            .by_rule("chat_tenant")
            .with_fact("caller_tenant", call.tenant.to_string()));
    }
    Ok(Fault::new(codes::CHAT_ID_INVALID, "no such chat")
        .by_rule("chat_exists")
        .with_fact("chat_id", id.to_string()))
}

/// External chats require an app with external sharing: 232033.
pub fn shareable(call: &Call, chat: &Chat) -> Result<(), Fault> {
    if chat.external && !call.app.external_sharing {
        return Err(Fault::new(
            codes::EXTERNAL_NOT_ALLOWED,
            "the chat is external and the bot lacks external sharing",
        )
        .by_rule(EXTERNAL.name)
        .with_fact("external", "true")
        .with_fact("external_sharing", "false")
        .with_fix(set_app(call, json!({"external_sharing": true}))));
    }
    Ok(())
}

/// Like [`shareable`], to read or share a chat: the call of a user does not need external sharing of the app. Source:
/// the official notice, in force since June 2026.
pub fn readable(call: &Call, chat: &Chat) -> Result<(), Fault> {
    match call.actor {
        Actor::Bot => shareable(call, chat),
        Actor::User { .. } => Ok(()),
    }
}

/// Who may read external chats.
pub(crate) const EXTERNAL: Behaviour = Behaviour {
    name: "external_chats_of_users",
    rule: "For the bot of an app without external sharing, an external chat is 232033. Calls of users are not refused for it, since June 2026.",
    basis: Documented,
    switch: false,
};

/// A dissolved chat accepts no calls: 232009.
pub fn in_use(chat: &Chat) -> Result<(), Fault> {
    if chat.status != ChatStatus::Normal {
        return Err(Fault::new(codes::CHAT_DISSOLVED, format!("the chat is {}", chat.status.as_str()))
            .by_rule("chat_status")
            .with_fact("chat_status", chat.status.as_str())
            .with_fix(set_chat(chat, json!({"chat_status": "normal"}))));
    }
    Ok(())
}

/// Only members may operate: 232011.
pub fn joined(call: &Call, standing: &Standing) -> Result<(), Fault> {
    is_inside(&call.operator(), standing)
}

/// As [`joined`], for any operator.
pub fn is_inside(operator: &Member, standing: &Standing) -> Result<(), Fault> {
    if !standing.is_member() {
        let operator = operator.to_column();
        return Err(Fault::new(codes::OPERATOR_NOT_IN_CHAT, format!("{operator} is not in the chat"))
            .by_rule("chat_member")
            .with_fact("operator", operator)
            .with_fact("standing", standing.role.name()));
    }
    Ok(())
}

/// Like [`joined`], and 232024 in a p2p chat whose user does not see the app.
pub async fn inside(tx: &mut Tx, call: &Call, chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    joined(call, standing).map_err(|fault| fault.with_fix(join(chat, &call.operator())))?;
    // Assumed: 232024 applies to p2p chats whose user does not see the app.
    if chat.mode == ChatMode::P2p {
        for party in members::first(tx, chat.chat_id).await? {
            if let Member::User(user_id) = &party.member
                && !apps::is_visible_to(tx, &call.app, user_id).await?
            {
                return Err(Fault::new(codes::NOT_VISIBLE, format!("{user_id} does not see the app"))
                    .by_rule("app_visible")
                    .with_fact("user", user_id.clone())
                    .with_fix(set_app(call, json!({"visible_to_all": true}))));
            }
        }
    }
    Ok(())
}

/// Locks a chat that is in use for a change, whatever the operator's role.
pub async fn lock_in_use(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<(LockedChat, Standing), Fault> {
    let chat = lock(tx, call, chat_id).await?;
    shareable(call, &chat)?;
    in_use(&chat)?;
    let standing = of(tx, call, &chat).await?;
    Ok((chat, standing))
}

/// Changes the installation of the calling app.
fn set_app(call: &Call, body: serde_json::Value) -> Fix {
    Fix::new("larkspur.v1.app.update", vec![("app_id", call.app_id().to_string())], body)
}

/// Changes a chat.
pub(crate) fn set_chat(chat: &Chat, body: serde_json::Value) -> Fix {
    Fix::new("larkspur.v1.chat.update", vec![("chat_id", chat.chat_id.to_string())], body)
}

/// Adds an operator to a chat.
pub fn join(chat: &Chat, operator: &Member) -> Fix {
    let path = vec![("chat_id", chat.chat_id.to_string()), ("member", operator.to_column())];
    Fix::new("larkspur.v1.chat.member_put", path, json!({}))
}

/// For pages that do not list 232006: an unknown chat is an invalid parameter (232001).
pub fn unlisted_chat_code(fault: Fault) -> Fault {
    if fault.code() != codes::CHAT_ID_INVALID {
        return fault;
    }
    Fault::new(codes::PARAM_INVALID, fault.note().to_owned()).explained_as(&fault).with_violation(
        "chat_id",
        None,
        "no such chat",
    )
}
