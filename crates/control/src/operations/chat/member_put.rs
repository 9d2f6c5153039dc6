use larkspur_api::events::{Party, chat_member_bot_added, chat_member_user_added};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, put};
use larkspur_store::{Root, members};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MemberPath, Shown, client};
use crate::operations::CONTROL;
use crate::support;

/// `PUT /larkspur/v1/worlds/:tenant_key/chats/:chat_id/members/:member`
pub(crate) struct Put;

/// The role of the member, and who adds it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Whether it is a manager; unchanged by default, and false for a new member.
    manager: Option<bool>,
    /// The user_id of the user who adds it in the client. Without it, no app is told.
    r#as: Option<String>,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.member_put",
        summary: "Add a user or bot to a chat, as a member or manager",
        route: put("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/members/{member}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::USER_ADDED, &events::BOT_ADDED],
        example: r#"{"manager":true}"#,
        behaviours: &[client::AS],
        ..CONTROL
    };
    type Ground = Root;
    type Path = MemberPath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let locked = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        let member = support::member(&mut tx, "member", &input.path.member).await?;
        let actor = support::actor_or_none(&mut tx, &locked, input.body.r#as.as_deref()).await?;
        let manager = input.body.manager;
        let added = members::add(&mut tx, &locked, &member, manager.unwrap_or(false), now).await?;
        if let Some(manager) = manager.filter(|_| !added) {
            members::set_manager(&mut tx, &locked, &member, manager).await?;
        }
        super::parties::check(&mut tx, &locked).await?;
        if let Some(actor) = actor.as_ref().filter(|_| added) {
            let (new, operator) = (std::slice::from_ref(&member), Party::from(actor));
            chat_member_user_added::emit(&mut tx, &locked, new, &operator, now).await?;
            chat_member_bot_added::emit(&mut tx, &locked, new, &operator, now).await?;
        }
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        super::show(&mut tx, chat).await
    }
}
