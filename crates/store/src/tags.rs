//! Tags, and what they are bound to.

use std::sync::Arc;

use larkspur_contract::ids::{AppId, ChatId, TagId};
use larkspur_contract::model::{TagI18nName, TagInfo, TagType};

use crate::driver::StoreError;
use crate::tx::{found_rows, wanted};
use crate::value::{from_json, to_json};
use crate::{LockedChat, Row, Tx, Value};

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its id.
    pub tag_id: TagId,
    /// Its type.
    pub tag_type: TagType,
    /// Its default name, unique in the tenant among the tags of its type.
    pub name: String,
    /// Its names by language.
    pub i18n_names: Vec<TagI18nName>,
    /// The app that made it.
    pub app_id: AppId,
    /// When it was made, in milliseconds since 1970.
    pub create_time: i64,
    /// When it was last changed.
    pub update_time: i64,
}

impl Tag {
    /// The tag as answers show it.
    pub fn info(&self) -> TagInfo {
        TagInfo {
            id: self.tag_id.to_string(),
            tag_type: self.tag_type.as_str().to_owned(),
            name: self.name.clone(),
            i18n_names: self.i18n_names.clone(),
            create_time: self.create_time.to_string(),
            update_time: self.update_time.to_string(),
        }
    }

    fn json(&self) -> Result<Arc<[u8]>, StoreError> {
        to_json(&self.info()).map(|text| Arc::from(text.into_bytes()))
    }
}

/// The result of naming a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The tag has the name.
    Done,
    /// Another tag has it already; nothing was changed.
    Taken(TagId),
}

const COLUMNS: &str = "tag_id, tag_type, name, i18n_names, app_id, create_time, update_time";

fn tag(mut row: Row) -> Result<Tag, StoreError> {
    Ok(Tag {
        tag_id: TagId(row.int(0)?),
        tag_type: row.id(1, TagType::parse)?,
        name: row.text(2)?,
        i18n_names: from_json(&row.text(3)?)?,
        app_id: row.id(4, AppId::parse)?,
        create_time: row.int(5)?,
        update_time: row.int(6)?,
    })
}

/// Adds a tag, unless another one has its name.
pub async fn insert(tx: &mut Tx, tag: &Tag) -> Result<Naming, StoreError> {
    let sql = "INSERT INTO tag (tenant, tag_id, tag_type, name, i18n_names, app_id, create_time, update_time) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, tag_type, name) DO NOTHING RETURNING tenant, tag_id";
    let row = vec![
        tag.tag_id.into(),
        tag.tag_type.as_str().into(),
        tag.name.as_str().into(),
        to_json(&tag.i18n_names)?.into(),
        tag.app_id.into(),
        tag.create_time.into(),
        tag.update_time.into(),
    ];
    if tx.insert(sql, row).await? {
        let (engine, key, json) = (tx.engine().clone(), (tx.tenant(), tag.tag_id), tag.json()?);
        tx.on_commit(|| {}, move || engine.memory.tags.publish_new(key, json));
        return Ok(Naming::Done);
    }
    // The insert waited for the tag that took the name to commit. If that tag is gone again, retry.
    let taken = by_name(tx, tag.tag_type, &tag.name).await?;
    taken.map(Naming::Taken).ok_or_else(|| tx.collided())
}

/// The tag that has a name.
pub async fn by_name(tx: &mut Tx, tag_type: TagType, name: &str) -> Result<Option<TagId>, StoreError> {
    let sql = "SELECT tag_id FROM tag WHERE tenant = $1 AND tag_type = $2 AND name = $3";
    tx.row(sql, [tag_type.as_str().into(), name.into()]).await?.map(|row| row.int(0).map(TagId)).transpose()
}

/// Locks a tag's row for a change.
pub async fn lock(tx: &mut Tx, tag_id: TagId) -> Result<Option<Tag>, StoreError> {
    let sql = format!(
        "UPDATE tag SET update_time = update_time WHERE tenant = $1 AND tag_id = $2 RETURNING {COLUMNS}"
    );
    tx.row(&sql, [tag_id.into()]).await?.map(tag).transpose()
}

/// Changes name and time of a tag locked by [`lock`], unless another one has its name.
pub async fn update(tx: &mut Tx, tag: &Tag) -> Result<Naming, StoreError> {
    if let Some(other) = by_name(tx, tag.tag_type, &tag.name).await?.filter(|other| *other != tag.tag_id) {
        return Ok(Naming::Taken(other));
    }
    let sql = "UPDATE tag SET name = $3, i18n_names = $4, update_time = $5 WHERE tenant = $1 AND tag_id = $2";
    let params = [
        tag.tag_id.into(),
        tag.name.as_str().into(),
        to_json(&tag.i18n_names)?.into(),
        tag.update_time.into(),
    ];
    tx.rows(sql, params).await?;
    let (key, json) = ((tx.tenant(), tag.tag_id), tag.json()?);
    let (before, after) = (tx.engine().clone(), tx.engine().clone());
    tx.on_commit(move || before.memory.tags.forget(&key), move || after.memory.tags.publish(key, json));
    Ok(Naming::Done)
}

/// Tags by id, in no order; unknown ids are left out. Fills memory.
pub async fn by_ids(tx: &mut Tx, ids: &[TagId]) -> Result<Vec<Tag>, StoreError> {
    let mut tags = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(64) {
        let mut params: Vec<Value> = chunk.iter().map(|id| Value::from(*id)).collect();
        let wanted = wanted(2, "BIGINT", &mut params);
        let sql = format!(
            "SELECT {COLUMNS} FROM {wanted} LEFT JOIN tag ON tag.tenant = $1 AND tag.tag_id = w.column1"
        );
        for row in found_rows(tx.rows_of(&sql, params).await?) {
            let found = tag(row)?;
            tx.engine().memory.tags.fill(tx.may_fill(), (tx.tenant(), found.tag_id), found.json()?);
            tags.push(found);
        }
    }
    Ok(tags)
}

/// Binds a tag to a chat; an existing binding keeps its version.
pub async fn bind(tx: &mut Tx, chat: &LockedChat, tag_id: TagId, version: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_tag_binding (tenant, chat_id, tag_id, bind_version) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant, chat_id, tag_id) DO NOTHING";
    tx.rows(sql, [chat.chat_id.into(), tag_id.into(), version.into()]).await.map(drop)
}

/// Unbinds a tag from a chat; has no effect if it was not bound.
pub async fn unbind(tx: &mut Tx, chat: &LockedChat, tag_id: TagId) -> Result<(), StoreError> {
    let sql = "DELETE FROM chat_tag_binding WHERE tenant = $1 AND chat_id = $2 AND tag_id = $3";
    tx.rows(sql, [chat.chat_id.into(), tag_id.into()]).await.map(drop)
}

/// The tags bound to a chat with the versions of their bindings, oldest binding first.
pub async fn bound(tx: &mut Tx, chat: ChatId) -> Result<Vec<(Tag, i64)>, StoreError> {
    let columns = COLUMNS.split(", ").map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {columns}, b.bind_version FROM chat_tag_binding b JOIN tag t ON t.tenant = b.tenant AND t.tag_id = b.tag_id \
         WHERE b.tenant = $1 AND b.chat_id = $2 ORDER BY b.bind_version, b.tag_id"
    );
    let rows = tx.rows(&sql, [chat.into()]).await?;
    rows.into_iter()
        .map(|row| {
            let version = row.int(7)?;
            Ok((tag(row)?, version))
        })
        .collect()
}

/// How many tags a chat has.
pub async fn count_bound(tx: &mut Tx, chat: ChatId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM chat_tag_binding WHERE tenant = $1 AND chat_id = $2";
    tx.row(sql, [chat.into()]).await?.map_or(Ok(0), |row| row.int(0))
}
