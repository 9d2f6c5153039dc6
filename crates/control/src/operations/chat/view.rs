use larkspur_api::acts::{self, Scene};
use larkspur_api::messages::Speaker;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, ChatStatus, ChatType, UserStatus};
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::chats::{self, Member};
use larkspur_store::{Root, announcements, moderation, own, reads};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acts::Act;
use super::names::LANGUAGE;
use super::view_menu::{Menu, menu};
use super::view_parts::{self, Board, Notice, People, Tab, TagChip};
use super::{Path, list};
use crate::operations::CONTROL;
use crate::{support, values};

/// `GET /larkspur/v1/worlds/:tenant_key/chats/:chat_id/view`
pub(crate) struct View;

/// Whose view.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The user_id of an active user, in the chat or not.
    r#as: String,
    /// The language of names, such as `zh_cn`; `en_us` by default.
    lang: Option<String>,
}

/// A chat as a user sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its id.
    chat_id: String,
    /// Its name in the language; empty if it has none.
    name: String,
    /// Its description.
    description: String,
    /// Group, topic or p2p.
    chat_mode: ChatMode,
    /// Private or public.
    chat_type: ChatType,
    /// Normal or dissolved.
    chat_status: ChatStatus,
    /// Whether users of other tenants may be in it.
    external: bool,
    /// The user.
    viewer: Viewer,
    /// Its tags, the oldest binding first.
    tags: Vec<TagChip>,
    /// Its tabs, in their order.
    tabs: Vec<Tab>,
    /// The items of its top notice, in their order.
    top_notice: Vec<Notice>,
    /// Its announcement.
    announcement: Board,
    /// Its menu.
    menu: Vec<Menu>,
    #[serde(flatten)]
    people: People,
    /// How many messages are pinned; 100 stands for 100 or more.
    pins: usize,
    /// How many messages the user has not read; 100 stands for 100 or more.
    unread: usize,
    /// What the user may do in it, and by which rule.
    may: Vec<Act>,
}

/// The user who looks at a chat.
#[derive(Debug, Serialize, JsonSchema)]
struct Viewer {
    /// The user_id.
    user_id: String,
    /// The name.
    name: String,
    /// `owner`, `manager`, `member` or `outsider`.
    standing: &'static str,
    /// The name in the chat; empty if it is the usual one.
    nickname: String,
    /// Whether the user mutes the chat.
    muted: bool,
}

impl Operation for View {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.view",
        summary: "Show a chat as a user sees it, and what the user may do in it",
        route: get("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/view"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        example: "as={user_id}&lang=zh_cn",
        behaviours: &[MAY, list::UNREAD],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (world, query) = (&input.path.tenant_key, &input.query);
        let (mut tx, policy, now) = support::open_world(root, call, world).await?;
        let tx = &mut tx;
        let user = support::user(tx, "as", &query.r#as).await?;
        if user.status != UserStatus::Active {
            return Err(values::invalid("as", Some(&query.r#as), "the user is not active"));
        }
        let (me, id) = (Member::User(user.user_id.clone()), &input.path.chat_id);
        let place = match ChatId::parse(id) {
            Some(chat) => chats::place(tx, chat, &me).await?,
            None => None,
        };
        let place = place.ok_or_else(|| support::no_chat(id))?;
        let (chat, language) = (&place.chat, query.lang.as_deref().unwrap_or(LANGUAGE));
        let speaker = Speaker::person(&user, policy, now);
        let announcement = announcements::get(tx, chat).await?;
        let holds = moderation::holds(tx, chat.chat_id).await?;
        let scene = Scene { speaker: &speaker, place: &place, announcement: &announcement, holds };
        let mute = own::mutes(tx, &me, &[chat.chat_id]).await?;
        Ok(Output {
            viewer: Viewer {
                standing: larkspur_api::standing::Role::of(chat, &me, place.manager).name(),
                nickname: own::nickname(tx, chat.chat_id, &me).await?,
                muted: mute.get(&chat.chat_id).is_some_and(|mute| mute.chat),
                user_id: user.user_id.clone(),
                name: user.name.clone(),
            },
            tags: view_parts::tags(tx, chat.chat_id, language).await?,
            tabs: view_parts::tabs(tx, chat.chat_id).await?,
            top_notice: view_parts::top_notice(tx, chat.chat_id).await?,
            announcement: view_parts::announcement(tx, chat).await?,
            menu: menu(tx, chat.chat_id, language).await?,
            people: view_parts::people(tx, chat).await?,
            pins: view_parts::pins(tx, chat.chat_id).await?,
            unread: reads::unread(tx, chat.chat_id, &user.user_id).await?,
            may: acts::acts(&scene).iter().map(|act| Act::of(act, world)).collect(),
            chat_id: chat.chat_id.to_string(),
            name: chat.i18n_names.in_language(language).unwrap_or(&chat.name).to_owned(),
            description: chat.description.clone(),
            chat_mode: chat.mode,
            chat_type: chat.chat_type,
            chat_status: chat.status,
            external: chat.external,
        })
    }
}

/// By which rules.
const MAY: Behaviour = Behaviour {
    name: "chat_view_may",
    rule: "What a user may do follows the rules of the platform's operations, for a user at the client. Rules that need more than the chat and the user, such as forbidden words, times and limits of length, are not asked.",
    basis: Assumed,
    switch: false,
};
