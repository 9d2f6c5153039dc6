//! Custom bots of chats, which post through a URL.

use larkspur_contract::ids::{AppId, ChatId};

use crate::driver::StoreError;
use crate::keys::HOOKS;
use crate::value::{from_json, to_json};
use crate::{Row, Tx};

/// The most custom bots of a chat. Source: assumed.
pub const MOST: usize = 100;

/// A custom bot of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its number in the tenant, from which the token in its URL is derived.
    pub hook_no: i64,
    /// The chat that it posts to.
    pub chat_id: ChatId,
    /// Its name.
    pub name: String,
    /// The id that its messages have as their sender. No app has it.
    pub shown_as: AppId,
    /// The sealed secret of its signature; empty if messages need none.
    pub secret: String,
    /// Words of which a message contains at least one; empty for any message.
    pub keywords: Vec<String>,
    /// Addresses that messages may come from; empty for any.
    pub addresses: Vec<String>,
    /// When it was made, in milliseconds of the tenant's time.
    pub created_at: i64,
}

/// A new random number for a custom bot.
pub fn fresh_number(tx: &Tx) -> i64 {
    let random = (tx.random_id() as u64) % HOOKS;
    random.cast_signed()
}

const COLUMNS: &str = "hook_no, chat_id, name, shown_as, secret, keywords, addresses, created_at";

fn hook(mut row: Row) -> Result<Hook, StoreError> {
    Ok(Hook {
        hook_no: row.int(0)?,
        chat_id: row.id(1, ChatId::parse)?,
        name: row.text(2)?,
        shown_as: row.id(3, AppId::parse)?,
        secret: row.text(4)?,
        keywords: from_json(&row.text(5)?)?,
        addresses: from_json(&row.text(6)?)?,
        created_at: row.int(7)?,
    })
}

/// Adds a custom bot; false if its number is in use.
///
/// # Errors
/// The store is unavailable.
pub async fn insert(tx: &mut Tx, hook: &Hook) -> Result<bool, StoreError> {
    let sql = "INSERT INTO chat_hook (tenant, hook_no, chat_id, name, shown_as, secret, keywords, addresses, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, hook_no) DO NOTHING RETURNING hook_no";
    let params = [
        hook.hook_no.into(),
        hook.chat_id.into(),
        hook.name.as_str().into(),
        hook.shown_as.into(),
        hook.secret.as_str().into(),
        to_json(&hook.keywords)?.into(),
        to_json(&hook.addresses)?.into(),
        hook.created_at.into(),
    ];
    Ok(tx.row(sql, params).await?.is_some())
}

/// A custom bot of the tenant.
///
/// # Errors
/// The store is unavailable.
pub async fn get(tx: &mut Tx, hook_no: i64) -> Result<Option<Hook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM chat_hook WHERE tenant = $1 AND hook_no = $2");
    tx.row(&sql, [hook_no.into()]).await?.map(hook).transpose()
}

/// The custom bots of a chat, the oldest first, and those of one millisecond by their numbers: at most [`MOST`].
///
/// # Errors
/// The store is unavailable.
pub async fn list(tx: &mut Tx, chat: ChatId) -> Result<Vec<Hook>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM chat_hook WHERE tenant = $1 AND chat_id = $2 ORDER BY created_at, hook_no LIMIT {MOST}"
    );
    tx.rows(&sql, [chat.into()]).await?.into_iter().map(hook).collect()
}

/// Deletes a custom bot of a chat; false if there is none.
///
/// # Errors
/// The store is unavailable.
pub async fn delete(tx: &mut Tx, chat: ChatId, hook_no: i64) -> Result<bool, StoreError> {
    let sql = "DELETE FROM chat_hook WHERE tenant = $1 AND hook_no = $2 AND chat_id = $3 RETURNING hook_no";
    Ok(tx.row(sql, [hook_no.into(), chat.into()]).await?.is_some())
}
