//! Tabs of chats.

use larkspur_contract::ids::{ChatId, TabId};
use larkspur_contract::model::TabType;

use crate::driver::StoreError;
use crate::{LockedChat, Row, Tx};

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its id.
    pub tab_id: TabId,
    /// Its type.
    pub tab_type: TabType,
    /// Its name; empty means none.
    pub name: String,
    /// What it opens: the URL of a `url` tab, the document of a `doc` tab; empty for the built-in ones.
    pub target: String,
    /// How a `url` tab looks and opens.
    pub config: Option<TabConfig>,
    /// Its place: tabs are in the order of their positions, which may have gaps.
    pub position: i64,
}

impl Tab {
    /// The tab that every chat begins with.
    pub fn message(tab_id: TabId) -> Self {
        Tab {
            tab_id,
            tab_type: TabType::Message,
            name: String::new(),
            target: String::new(),
            config: None,
            position: 0,
        }
    }
}

/// How a `url` tab looks and opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TabConfig {
    /// Its icon: an image key; empty means none.
    pub icon_key: String,
    /// Whether it opens inside the app.
    pub is_built_in: bool,
}

fn tab(mut row: Row) -> Result<Tab, StoreError> {
    let (icon_key, is_built_in) = (row.text_or_null(4)?, row.int_or_null(5)?);
    let config =
        is_built_in.map(|flag| TabConfig { icon_key: icon_key.unwrap_or_default(), is_built_in: flag != 0 });
    Ok(Tab {
        tab_id: TabId(row.int(0)?),
        tab_type: row.id(1, TabType::parse)?,
        name: row.text(2)?,
        target: row.text(3)?,
        config,
        position: row.int(6)?,
    })
}

/// The tabs of a chat, in their order.
pub async fn list(tx: &mut Tx, chat: ChatId) -> Result<Vec<Tab>, StoreError> {
    let sql = "SELECT tab_id, tab_type, tab_name, target, icon_key, is_built_in, position FROM chat_tab \
               WHERE tenant = $1 AND chat_id = $2 ORDER BY position, tab_id";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(tab).collect()
}

/// Adds a tab at its position.
pub async fn insert(tx: &mut Tx, chat: &LockedChat, tab: &Tab) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_tab (tenant, chat_id, tab_id, position, tab_type, tab_name, target, icon_key, is_built_in) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let params = [
        chat.chat_id.into(),
        tab.tab_id.into(),
        tab.position.into(),
        tab.tab_type.as_str().into(),
        tab.name.as_str().into(),
        tab.target.as_str().into(),
        tab.config.as_ref().map(|config| config.icon_key.clone()).into(),
        tab.config.as_ref().map(|config| i64::from(config.is_built_in)).into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// The position after the last of a chat's tabs.
pub fn end(present: &[Tab]) -> i64 {
    present.iter().map(|tab| tab.position.saturating_add(1)).max().unwrap_or(0)
}

/// Changes everything of a tab except its id and its position.
pub async fn update(tx: &mut Tx, chat: &LockedChat, tab: &Tab) -> Result<(), StoreError> {
    let sql = "UPDATE chat_tab SET tab_type = $4, tab_name = $5, target = $6, icon_key = $7, is_built_in = $8 \
               WHERE tenant = $1 AND chat_id = $2 AND tab_id = $3";
    let params = [
        chat.chat_id.into(),
        tab.tab_id.into(),
        tab.tab_type.as_str().into(),
        tab.name.as_str().into(),
        tab.target.as_str().into(),
        tab.config.as_ref().map(|config| config.icon_key.clone()).into(),
        tab.config.as_ref().map(|config| i64::from(config.is_built_in)).into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// Puts a tab at a position.
pub async fn place(tx: &mut Tx, chat: &LockedChat, tab: TabId, position: usize) -> Result<(), StoreError> {
    let sql = "UPDATE chat_tab SET position = $4 WHERE tenant = $1 AND chat_id = $2 AND tab_id = $3";
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    tx.rows(sql, [chat.chat_id.into(), tab.into(), position.into()]).await.map(drop)
}

/// Removes a tab; has no effect if it is gone.
pub async fn delete(tx: &mut Tx, chat: &LockedChat, tab: TabId) -> Result<(), StoreError> {
    let sql = "DELETE FROM chat_tab WHERE tenant = $1 AND chat_id = $2 AND tab_id = $3";
    tx.rows(sql, [chat.chat_id.into(), tab.into()]).await.map(drop)
}
