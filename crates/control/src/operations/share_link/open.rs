use larkspur_api::events::{Party, chat_member_user_added};
use larkspur_api::{Empty, Input, Operation, RootCall, rules};
use larkspur_contract::model::{ChatStatus, InstallStatus, MembershipApproval, UserStatus};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::links::{self, Link};
use larkspur_store::{Root, Tx, apps, limits, members, pending};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::CONTROL;
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/share_links/open`
pub(crate) struct Open;

/// The world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
}

/// The link, and the user who opens it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The full URL.
    share_link: String,
    /// A user of the world.
    user_id: String,
}

/// The result of opening the link.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The chat.
    chat_id: String,
    /// Whether the user is in it now; otherwise the request to join is pending.
    joined: bool,
}

impl Operation for Open {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.share_link.open",
        summary: "Open a share link of a chat, as a user's client would",
        route: post("/larkspur/v1/worlds/{tenant_key}/share_links/open"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::USER_ADDED],
        example: r#"{"share_link":"https://applink.feishu.cn/client/chat/chatter/add_by_link?link_token=x","user_id":"{user_id}"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let user = support::user(&mut tx, "user_id", &body.user_id).await?;
        if user.status != UserStatus::Active {
            return Err(values::invalid("user_id", Some(&body.user_id), "the user is not active"));
        }
        let dead =
            || support::not_found("share_link", &body.share_link, "is not a valid link, or has expired");
        let found = match rules::links::token_of(&body.share_link) {
            Some(token) => links::get(&mut tx, token).await?,
            None => None,
        };
        let link = found.ok_or_else(dead)?;
        let chat = support::lock_chat(&mut tx, &link.chat_id.to_string()).await?;
        if !lives(&mut tx, &link, &chat, now).await? {
            return Err(dead());
        }
        let operator = Party::from(&user);
        let member = Member::User(user.user_id);
        let chat_id = chat.chat_id.to_string();
        if members::get(&mut tx, chat.chat_id, &member).await?.is_some() {
            return Ok(Output { chat_id, joined: true });
        }
        if chat.settings.membership_approval == MembershipApproval::ApprovalRequired {
            pending::add(&mut tx, &chat, &member, &link.creator, now).await?;
            return Ok(Output { chat_id, joined: false });
        }
        let admin = limits::chat_users(&mut tx).await?;
        rules::members::fits(&chat, std::slice::from_ref(&member), admin)
            .map_err(|full| values::invalid("share_link", None, full.note()))?;
        members::add(&mut tx, &chat, &member, false, now).await?;
        let joined = std::slice::from_ref(&member);
        chat_member_user_added::emit(&mut tx, &chat, joined, &operator, now).await?;
        Ok(Output { chat_id, joined: true })
    }
}

/// Whether a link is still valid.
async fn lives(tx: &mut Tx, link: &Link, chat: &Chat, now: i64) -> Result<bool, Fault> {
    let in_time = link.expires_at.is_none_or(|end| now < end);
    if !in_time
        || chat.status != ChatStatus::Normal
        || members::get(tx, chat.chat_id, &link.creator).await?.is_none()
    {
        return Ok(false);
    }
    let Member::Bot(app_id) = &link.creator else { return Ok(true) };
    let install = apps::stored_install(tx, *app_id).await?;
    Ok(install.is_some_and(|install| install.bot && install.status == InstallStatus::Enabled))
}
