//! `im/v1/chats/:chat_id/menu_tree` and `menu_items`

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::{ChatId, MenuId};
use larkspur_contract::model::{I18nNames, MenuAction, RedirectLink};
use larkspur_contract::{Behaviour, Code, Fault};
use larkspur_store::menus::{self, Item, Placed};
use larkspur_store::{LockedChat, StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;

use super::chat_menu_item;
use crate::{Call, Entry, entry, rules, standing};

mod create;
mod delete;
pub(super) mod draft;
mod get;
mod sort;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<delete::Delete>(),
    entry::<get::Get>(),
    entry::<sort::Sort>(),
    entry::<chat_menu_item::patch::Patch>(),
];

/// An item, as answers show it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MenuItem {
    /// Its action.
    action_type: MenuAction,
    /// Its link.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_link: Option<RedirectLink>,
    /// Its icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_key: Option<String>,
    /// Its name; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its names by language.
    #[serde(skip_serializing_if = "Option::is_none")]
    i18n_names: Option<I18nNames>,
}

/// A top-level item.
#[derive(Debug, Serialize, JsonSchema)]
struct Top {
    /// Its id.
    chat_menu_top_level_id: String,
    /// Its content.
    chat_menu_item: MenuItem,
    /// Its children, in their order.
    children: Vec<Second>,
}

/// A second-level item.
#[derive(Debug, Serialize, JsonSchema)]
struct Second {
    /// Its id.
    chat_menu_second_level_id: String,
    /// Its content.
    chat_menu_item: MenuItem,
}

/// A chat's menu.
#[derive(Debug, Serialize, JsonSchema)]
struct Tree {
    /// The top-level items, in their order.
    chat_menu_top_levels: Vec<Top>,
}

/// A chat's menu, as answers show it.
#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The menu.
    menu_tree: Tree,
}

pub(crate) fn show(item: Item) -> MenuItem {
    MenuItem {
        action_type: item.action,
        redirect_link: item.link,
        image_key: Some(item.image_key).filter(|key| !key.is_empty()),
        name: Some(item.name).filter(|name| !name.is_empty()),
        i18n_names: item.i18n_names,
    }
}

/// The menu of a chat as answers show it.
async fn all(tx: &mut Tx, chat: ChatId) -> Result<Answer, StoreError> {
    Ok(show_all(menus::list(tx, chat).await?))
}

/// Items in their order, as answers show them.
fn show_all(items: Vec<Placed>) -> Answer {
    let (tops, mut children): (Vec<Placed>, Vec<Placed>) =
        items.into_iter().partition(|placed| placed.parent.is_none());
    let mut levels = Vec::with_capacity(tops.len());
    for top in tops {
        let (own, others) = children.into_iter().partition(|child| child.parent == Some(top.menu_id));
        children = others;
        let second = |child: Placed| Second {
            chat_menu_second_level_id: child.menu_id.to_string(),
            chat_menu_item: show(child.item),
        };
        levels.push(Top {
            chat_menu_top_level_id: top.menu_id.to_string(),
            chat_menu_item: show(top.item),
            children: own.into_iter().map(second).collect::<Vec<_>>(),
        });
    }
    Answer { menu_tree: Tree { chat_menu_top_levels: levels } }
}

/// Locks a group whose menu the operator may manage. Pages differ in the code for other kinds of chat.
pub(crate) async fn lock(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
    unsupported: Code,
) -> Result<LockedChat, Fault> {
    let (chat, standing) = standing::lock_as_member(tx, call, chat_id).await?;
    rules::menus::mode_has_menus(&chat, unsupported)?;
    rules::widgets::may_manage(&chat, &standing)?;
    Ok(chat)
}

/// The ids of the top-level items, in their order.
fn tops(present: &[Placed]) -> Vec<MenuId> {
    present.iter().filter(|placed| placed.parent.is_none()).map(|placed| placed.menu_id).collect()
}

pub(crate) const ORDER: Behaviour = Behaviour {
    name: "menu_check_order",
    rule: "Order of checks: fields and types, chat, bot and app, tenant, external, dissolved, member, chat_mode, right to manage, items, icons, counts. Nothing is written unless all pass. The pages list 232001 for an unknown chat and 232014 for a chat of another tenant; if a page lacks 232008, a chat that is not a group is 232001.",
    basis: Assumed,
    switch: false,
};
pub(crate) const MANAGE: Behaviour = Behaviour {
    name: "manage_menus",
    rule: "Who may manage menus is a chat setting that only clients can change; here the control API does. With only_owner, only owner and managers may; others get 232055.",
    basis: Documented,
    switch: false,
};
pub(crate) const ITEMS: Behaviour = Behaviour {
    name: "menu_items",
    rule: "232078 is for a REDIRECT_LINK item without an http or https URL for every platform (its own or common_url), an invalid URL on any item, an item with children whose action_type is not NONE, and a name in a language that is not 1 to 120 characters long. An item of type NONE can have a link and an icon, as in the page's sample. For a second-level item, name and action_type are optional; action_type is then REDIRECT_LINK if there is a link, otherwise NONE. Empty texts in redirect_link and image_key count as absent; URLs are returned as sent.",
    basis: Documented,
    switch: false,
};
const LIMITS: Behaviour = Behaviour {
    name: "menu_limits",
    rule: "New items are added after the present ones: at most 3 at the top level, with at most 5 children each. Children cannot be added to a present item.",
    basis: Documented,
    switch: false,
};
