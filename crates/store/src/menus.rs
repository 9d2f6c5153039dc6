//! Menus of chats: a tree of two levels.

use larkspur_contract::ids::{ChatId, MenuId};
use larkspur_contract::model::{I18nNames, MenuAction, RedirectLink};

use crate::driver::StoreError;
use crate::value::{from_json, to_json};
use crate::{LockedChat, Row, Tx, Value};

/// A menu item, without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it does.
    pub action: MenuAction,
    /// Its name.
    pub name: String,
    /// Its names by language, if it has any.
    pub i18n_names: Option<I18nNames>,
    /// Where it leads, if anywhere.
    pub link: Option<RedirectLink>,
    /// Its icon: an image key; empty means none.
    pub image_key: String,
}

/// An item in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its id.
    pub menu_id: MenuId,
    /// The top-level item that it is under; `None` for those of the top level.
    pub parent: Option<MenuId>,
    /// The item.
    pub item: Item,
    /// Its place among its siblings: they are in the order of their positions, which may have gaps.
    pub position: i64,
}

fn placed(mut row: Row) -> Result<Placed, StoreError> {
    let (i18n_names, link) = (row.text_or_null(4)?, row.text_or_null(5)?);
    Ok(Placed {
        menu_id: MenuId(row.int(0)?),
        parent: Some(MenuId(row.int(1)?)).filter(|parent| parent.0 != 0),
        item: Item {
            action: row.id(2, MenuAction::parse)?,
            name: row.text(3)?,
            i18n_names: i18n_names.map(|text| from_json(&text)).transpose()?,
            link: link.map(|text| from_json(&text)).transpose()?,
            image_key: row.text(6)?,
        },
        position: row.int(7)?,
    })
}

/// The items of a chat: those of each level, and of each parent, in their order.
pub async fn list(tx: &mut Tx, chat: ChatId) -> Result<Vec<Placed>, StoreError> {
    let sql = "SELECT menu_id, parent, action_type, name, i18n_names, redirect_link, image_key, position FROM chat_menu \
               WHERE tenant = $1 AND chat_id = $2 ORDER BY position, menu_id";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(placed).collect()
}

/// Adds an item at its position.
pub async fn insert(tx: &mut Tx, chat: &LockedChat, new: &Placed) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_menu (tenant, chat_id, menu_id, parent, position, action_type, name, i18n_names, \
               redirect_link, image_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let mut params: Vec<Value> = vec![
        chat.chat_id.into(),
        new.menu_id.into(),
        new.parent.map_or(0, |parent| parent.0).into(),
        new.position.into(),
    ];
    params.extend(columns(&new.item)?);
    tx.rows_of(sql, params).await.map(drop)
}

/// The position after the last item of a chat's top level.
pub fn end(present: &[Placed]) -> i64 {
    let tops = present.iter().filter(|placed| placed.parent.is_none());
    tops.map(|placed| placed.position.saturating_add(1)).max().unwrap_or(0)
}

/// Replaces an item; it keeps its place.
pub async fn update(tx: &mut Tx, chat: &LockedChat, id: MenuId, item: &Item) -> Result<(), StoreError> {
    let sql = "UPDATE chat_menu SET action_type = $4, name = $5, i18n_names = $6, redirect_link = $7, image_key = $8 \
               WHERE tenant = $1 AND chat_id = $2 AND menu_id = $3";
    let mut params: Vec<Value> = vec![chat.chat_id.into(), id.into()];
    params.extend(columns(item)?);
    tx.rows_of(sql, params).await.map(drop)
}

/// Puts an item at a position among its siblings.
pub async fn place(tx: &mut Tx, chat: &LockedChat, id: MenuId, position: usize) -> Result<(), StoreError> {
    let sql = "UPDATE chat_menu SET position = $4 WHERE tenant = $1 AND chat_id = $2 AND menu_id = $3";
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    tx.rows(sql, [chat.chat_id.into(), id.into(), position.into()]).await.map(drop)
}

/// Removes an item of the top level and the items under it; has no effect if it is gone.
pub async fn delete(tx: &mut Tx, chat: &LockedChat, id: MenuId) -> Result<(), StoreError> {
    let sql = "DELETE FROM chat_menu WHERE tenant = $1 AND chat_id = $2 AND (menu_id = $3 OR parent = $3)";
    tx.rows(sql, [chat.chat_id.into(), id.into()]).await.map(drop)
}

fn columns(item: &Item) -> Result<[Value; 5], StoreError> {
    Ok([
        item.action.as_str().into(),
        item.name.as_str().into(),
        item.i18n_names.as_ref().map(to_json).transpose()?.into(),
        item.link.as_ref().map(to_json).transpose()?.into(),
        item.image_key.as_str().into(),
    ])
}
